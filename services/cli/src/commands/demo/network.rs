//! The model: a network with one hidden layer, trained by stochastic gradient descent on the
//! cross-entropy.
//!
//! h = tanh(W₁x + b₁), p = softmax(W₂h + b₂). It uses single precision and no threads, so the same
//! seed gives the same bits.

use rand::{Rng, rngs::StdRng, seq::SliceRandom};

use super::digits::{CLASSES, PIXELS, Sample};

/// Width of the hidden layer.
const HIDDEN: usize = 32;
/// The tensors, in the order of the flat parameters.
const TENSORS: [(&str, &[usize]); 4] = [
    ("hidden.weight", &[HIDDEN, PIXELS]),
    ("hidden.bias", &[HIDDEN]),
    ("output.weight", &[CLASSES, HIDDEN]),
    ("output.bias", &[CLASSES]),
];

/// How a client trains on its own data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training {
    pub(crate) epochs: usize,
    pub(crate) batch: usize,
    pub(crate) rate: f32,
}

/// The model's parameters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    parameters: Vec<f32>,
}

impl Network {
    /// Weights uniform within ±√(6/(fan in + fan out)), biases zero (Glorot and Bengio 2010).
    pub(crate) fn initial(rng: &mut StdRng) -> Self {
        let mut parameters = Vec::new();
        for (_, shape) in TENSORS {
            let bound = match shape {
                [out, into] => (6.0 / (out + into) as f32).sqrt(),
                _ => 0.0,
            };
            let size = shape.iter().product::<usize>();
            parameters.extend((0..size).map(|_| bound * rng.gen_range(-1.0..1.0f32)));
        }
        Self { parameters }
    }

    /// A model with these parameters. They have the order and the total length of [`tensors`].
    pub(crate) fn from_parameters(parameters: Vec<f32>) -> Self {
        Self { parameters }
    }

    /// The parameters, tensor after tensor.
    pub(crate) fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// Adds a mean update.
    pub(crate) fn add(&mut self, update: &[f32]) {
        self.parameters.iter_mut().zip(update).for_each(|(parameter, step)| *parameter += step);
    }

    /// The difference from `start`, which is the update that a client contributes.
    pub(crate) fn update_since(&self, start: &Self) -> Vec<f32> {
        self.parameters.iter().zip(&start.parameters).map(|(now, before)| now - before).collect()
    }

    /// Trains a copy of the model on `samples`.
    pub(crate) fn trained(&self, samples: &[Sample], training: Training, rng: &mut StdRng) -> Self {
        let mut network = self.clone();
        let mut order: Vec<&Sample> = samples.iter().collect();
        for _ in 0..training.epochs {
            order.shuffle(rng);
            for batch in order.chunks(training.batch) {
                let (_, gradient) = network.loss_and_gradient(batch);
                network.parameters.iter_mut().zip(gradient).for_each(|(p, g)| *p -= training.rate * g);
            }
        }
        network
    }

    /// The fraction of the samples whose digit gets the highest score.
    pub(crate) fn accuracy(&self, samples: &[Sample]) -> f64 {
        let right = samples.iter().filter(|sample| {
            let (_, scores) = self.forward(&sample.pixels);
            (0..CLASSES).all(|class| scores[class] <= scores[sample.label])
        });
        right.count() as f64 / samples.len() as f64
    }

    /// The mean cross-entropy over the batch, and its gradient with respect to the parameters.
    fn loss_and_gradient(&self, batch: &[&Sample]) -> (f32, Vec<f32>) {
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut loss = 0.0;
        let share = 1.0 / batch.len() as f32;
        for sample in batch {
            let (hidden, scores) = self.forward(&sample.pixels);
            let mut by_score = softmax(&scores);
            loss -= share * by_score[sample.label].ln();
            by_score[sample.label] -= 1.0;
            by_score.iter_mut().for_each(|g| *g *= share);
            self.backward(&sample.pixels, &hidden, &by_score, &mut gradient);
        }
        (loss, gradient)
    }

    fn forward(&self, pixels: &[f32; PIXELS]) -> ([f32; HIDDEN], [f32; CLASSES]) {
        let [hidden_weight, hidden_bias, output_weight, output_bias] = split(&self.parameters);
        let hidden = std::array::from_fn(|j| {
            (hidden_bias[j] + dot(&hidden_weight[j * PIXELS..][..PIXELS], pixels)).tanh()
        });
        let scores =
            std::array::from_fn(|k| output_bias[k] + dot(&output_weight[k * HIDDEN..][..HIDDEN], &hidden));
        (hidden, scores)
    }

    /// Adds the gradient of one sample to `gradient`. `by_score` is the derivative of the loss with
    /// respect to the scores.
    fn backward(
        &self,
        pixels: &[f32; PIXELS],
        hidden: &[f32; HIDDEN],
        by_score: &[f32; CLASSES],
        gradient: &mut [f32],
    ) {
        let [_, _, output_weight, _] = split(&self.parameters);
        let [hidden_weight, hidden_rest] = cut(gradient, HIDDEN * PIXELS);
        let [hidden_bias, output] = cut(hidden_rest, HIDDEN);
        let [output_gradient, output_bias] = cut(output, CLASSES * HIDDEN);
        let mut by_hidden = [0.0; HIDDEN];
        for (k, &g) in by_score.iter().enumerate() {
            output_bias[k] += g;
            add_scaled(&mut output_gradient[k * HIDDEN..][..HIDDEN], g, hidden);
            add_scaled(&mut by_hidden, g, &output_weight[k * HIDDEN..][..HIDDEN]);
        }
        for (j, g) in by_hidden.iter().enumerate() {
            let g = g * (1.0 - hidden[j] * hidden[j]);
            hidden_bias[j] += g;
            add_scaled(&mut hidden_weight[j * PIXELS..][..PIXELS], g, pixels);
        }
    }
}

/// Names and shapes of the tensors, in order.
pub(crate) fn tensors() -> impl Iterator<Item = (&'static str, &'static [usize])> {
    TENSORS.into_iter()
}

fn split(parameters: &[f32]) -> [&[f32]; 4] {
    let (hidden_weight, rest) = parameters.split_at(HIDDEN * PIXELS);
    let (hidden_bias, rest) = rest.split_at(HIDDEN);
    let (output_weight, output_bias) = rest.split_at(CLASSES * HIDDEN);
    [hidden_weight, hidden_bias, output_weight, output_bias]
}

fn cut(values: &mut [f32], at: usize) -> [&mut [f32]; 2] {
    let (head, tail) = values.split_at_mut(at);
    [head, tail]
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(sum: &mut [f32], factor: f32, values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

fn softmax(scores: &[f32; CLASSES]) -> [f32; CLASSES] {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials = scores.map(|score| (score - highest).exp());
    let total: f32 = exponentials.iter().sum();
    exponentials.map(|e| e / total)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::commands::demo::digits::Digits;

    #[test]
    fn gradient_is_that_of_finite_differences() {
        let mut rng = StdRng::seed_from_u64(1);
        let network = Network::initial(&mut rng);
        let digits = Digits::load();
        let batch: Vec<&Sample> = digits.train[..20].iter().collect();
        let (_, gradient) = network.loss_and_gradient(&batch);
        let step = 1e-2;
        let loss_at = |index: usize, offset: f32| {
            let mut moved = network.clone();
            moved.parameters[index] += offset;
            moved.loss_and_gradient(&batch).0
        };
        let largest = gradient.iter().fold(0.0f32, |max, g| max.max(g.abs()));
        assert!(largest > 0.05, "the gradient is not trivially small: {largest}");
        for index in (0..gradient.len()).step_by(7).chain(gradient.len() - CLASSES..gradient.len()) {
            let numeric = (loss_at(index, step) - loss_at(index, -step)) / (2.0 * step);
            assert!((numeric - gradient[index]).abs() < 2e-4, "{index}: {numeric} and {}", gradient[index]);
        }
    }

    #[test]
    fn training_is_deterministic_and_learns() {
        let digits = Digits::load();
        let start = Network::initial(&mut StdRng::seed_from_u64(2));
        let training = Training { epochs: 10, batch: 10, rate: 0.2 };
        let run = || start.trained(&digits.train, training, &mut StdRng::seed_from_u64(3));
        let network = run();
        assert_eq!(network, run());
        assert!(start.accuracy(&digits.test) < 0.3);
        assert!(network.accuracy(&digits.test) > 0.93);
    }

    #[test]
    fn tensors_make_up_the_parameters() {
        let sizes = tensors().map(|(_, shape)| shape.iter().product::<usize>());
        assert_eq!(sizes.sum::<usize>(), Network::initial(&mut StdRng::seed_from_u64(0)).parameters().len());
    }
}
