//! Updates and means as safetensors files, with the tensors that the round document names.

use std::{fs, path::Path};

use protocol::{Tensor, VerifiedRound};
use safetensors::{
    Dtype, SafeTensors,
    tensor::{TensorView, serialize},
};

use crate::error::{CommandError, Result};

/// Reads an update and lays its tensors one after the other, in the order of the document.
pub(crate) fn read(path: &Path, round: &VerifiedRound) -> Result<Vec<f32>> {
    let bytes = fs::read(path).map_err(CommandError::file(path))?;
    flatten(&bytes, &round.document().tensors).map_err(|rule| CommandError::input(path, rule))
}

/// Cuts a flat vector into the tensors of the document and writes them.
pub(crate) fn write(path: &Path, round: &VerifiedRound, values: &[f32]) -> Result<()> {
    let bytes =
        unflatten(values, &round.document().tensors).map_err(|rule| CommandError::input(path, rule))?;
    fs::write(path, bytes).map_err(CommandError::file(path))
}

/// Lays the tensors of a safetensors file one after the other, in the order of the layout. The
/// error says what is wrong with the file.
pub(crate) fn flatten(bytes: &[u8], layout: &[Tensor]) -> std::result::Result<Vec<f32>, String> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|error| format!("is not a safetensors file: {error}"))?;
    if let Some(extra) =
        file.names().into_iter().find(|name| layout.iter().all(|tensor| tensor.name != *name))
    {
        return Err(format!("holds a tensor `{extra}` that the round does not have"));
    }
    let mut values = Vec::new();
    for Tensor { name, shape, .. } in layout {
        let view = file.tensor(name).map_err(|_| format!("holds no tensor `{name}`"))?;
        if view.dtype() != Dtype::F32 {
            return Err(format!(
                "holds `{name}` as {:?}; only F32 is accepted, convert it first",
                view.dtype()
            ));
        }
        if !view.shape().iter().map(|&axis| axis as u64).eq(shape.iter().map(|&axis| u64::from(axis))) {
            return Err(format!("holds `{name}` with shape {:?}; the round has {shape:?}", view.shape()));
        }
        let (words, _) = view.data().as_chunks::<4>();
        values.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
    }
    Ok(values)
}

/// Cuts a flat vector into the tensors of the layout, as a safetensors file.
pub(crate) fn unflatten(values: &[f32], layout: &[Tensor]) -> std::result::Result<Vec<u8>, String> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut rest = &bytes[..];
    let mut tensors = Vec::new();
    for Tensor { name, shape, .. } in layout {
        let shape: Vec<usize> = shape.iter().map(|&axis| axis as usize).collect();
        let (data, after) = rest.split_at(4 * shape.iter().product::<usize>());
        rest = after;
        let view = TensorView::new(Dtype::F32, shape, data).map_err(|error| error.to_string())?;
        tensors.push((name.as_str(), view));
    }
    serialize(tensors, None).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Vec<Tensor> {
        let tensor = |name: &str, shape: &[u32], offset| Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            offset,
            scale: None,
        };
        vec![tensor("z", &[2, 3], 0), tensor("a", &[], 6)]
    }

    #[test]
    fn the_documents_order_counts_and_not_the_files() {
        let values: Vec<f32> = (0..7).map(|k| k as f32 / 3.0).collect();
        let bytes = unflatten(&values, &layout()).unwrap();
        assert_eq!(flatten(&bytes, &layout()).unwrap(), values);
    }

    #[test]
    fn other_types_shapes_and_names_are_refused() {
        let file = |name: &str, dtype, shape: Vec<usize>, bytes: usize| {
            let data = vec![0; bytes];
            serialize([(name, TensorView::new(dtype, shape, &data).unwrap())], None).unwrap()
        };
        let refused = |bytes: &[u8]| flatten(bytes, &layout()[..1]).unwrap_err();
        for (dtype, bytes) in [(Dtype::F16, 12), (Dtype::BF16, 12), (Dtype::F64, 48)] {
            assert!(refused(&file("z", dtype, vec![2, 3], bytes)).contains("only F32"));
        }
        assert!(refused(&file("z", Dtype::F32, vec![3, 2], 24)).contains("[3, 2]"));
        assert!(refused(&file("y", Dtype::F32, vec![2, 3], 24)).contains("`y` that the round does not have"));
        assert!(refused(b"nonsense").contains("not a safetensors file"));
    }
}
