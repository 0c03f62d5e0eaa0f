//! The figures of a mean: its norm, and a summary of each tensor.

use api::rounds::TensorSummary;
use masking::RoundConstants;
use protocol::Tensor;

/// Figures of a mean whose coordinates come in order.
pub(super) struct MeanFigures {
    square: f64,
    tensors: Vec<TensorFigures>,
    /// The tensor that the next coordinate belongs to.
    tensor: usize,
    coordinate: u64,
    dimension: u64,
}

struct TensorFigures {
    tensor: Tensor,
    end: u64,
    sum: f64,
    min: f32,
    max: f32,
}

impl MeanFigures {
    pub(super) fn new(tensors: &[Tensor], constants: RoundConstants) -> Self {
        let figures = |tensor: &Tensor| TensorFigures {
            end: tensor.offset + tensor.size().unwrap_or(0),
            tensor: tensor.clone(),
            sum: 0.0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
        };
        let tensors = tensors.iter().map(figures).collect();
        Self { square: 0.0, tensors, tensor: 0, coordinate: 0, dimension: constants.dimension }
    }

    pub(super) fn take(&mut self, mean: &[f32]) {
        let left = usize::try_from(self.dimension - self.coordinate).unwrap_or(usize::MAX);
        for &value in &mean[..mean.len().min(left)] {
            while self.tensors.get(self.tensor).is_some_and(|figures| figures.end <= self.coordinate) {
                self.tensor += 1;
            }
            if let Some(figures) = self.tensors.get_mut(self.tensor) {
                figures.sum += f64::from(value);
                figures.min = figures.min.min(value);
                figures.max = figures.max.max(value);
            }
            self.square += f64::from(value) * f64::from(value);
            self.coordinate += 1;
        }
    }

    /// The ℓ₂ norm of the mean.
    pub(super) fn norm(&self) -> f64 {
        self.square.sqrt()
    }

    pub(super) fn into_summaries(self) -> Vec<TensorSummary> {
        self.tensors.into_iter().map(TensorFigures::summary).collect()
    }
}

impl TensorFigures {
    fn summary(self) -> TensorSummary {
        let size = self.end - self.tensor.offset;
        let some = size > 0;
        TensorSummary {
            mean: if some { self.sum / size as f64 } else { 0.0 },
            min: if some { self.min } else { 0.0 },
            max: if some { self.max } else { 0.0 },
            name: self.tensor.name,
            shape: self.tensor.shape,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_the_tensors_across_pieces_and_leave_out_the_padding() {
        let request = masking::RoundRequest::unweighted(5, 4, 1 << 18, 1.0);
        let constants = RoundConstants::derive(&request).unwrap();
        let tensor = |name: &str, shape: &[u32], offset| Tensor {
            name: name.into(),
            shape: shape.into(),
            offset,
            scale: None,
        };
        let layout = [tensor("a", &[2], 0), tensor("empty", &[0], 2), tensor("b", &[3], 2)];
        let mut figures = MeanFigures::new(&layout, constants);
        figures.take(&[1.0, 3.0, -1.0]);
        figures.take(&[2.0, 2.0, 100.0, 100.0]);
        assert_eq!(figures.square, 1.0 + 9.0 + 1.0 + 4.0 + 4.0);
        let summaries = figures.into_summaries();
        let values: Vec<_> = summaries.iter().map(|s| (s.mean, s.min, s.max)).collect();
        assert_eq!(values, [(2.0, 1.0, 3.0), (0.0, 0.0, 0.0), (1.0, -1.0, 2.0)]);
    }
}
