//! Small models with known answers.

use super::proto::{Attribute, Dim, Graph, Model, Node, Tensor, ValueInfo};
use Dim::{Any, Is};

pub const FP32: i32 = 1;
pub const FP16: i32 = 10;

/// A graph from `x` to `y` with `channels` of any size.
pub fn image_graph(element: i32, channels: i64, node: Vec<Node>, initializer: Vec<Tensor>) -> Graph {
    Graph {
        name: "graph".into(),
        node,
        initializer,
        input: vec![ValueInfo::new("x", element, &[Is(1), Is(channels), Any("h"), Any("w")])],
        output: vec![ValueInfo::new("y", element, &[Any("n"), Is(channels), Any("oh"), Any("ow")])],
        ..Graph::default()
    }
}

/// A convolution with a square kernel. ONNX would let the kernel's shape be left out, rten would not.
fn conv(inputs: &[&str], to: &str, kernel: i64) -> Node {
    Node::new("Conv", inputs, to).with(Attribute::ints("kernel_shape", &[kernel; 2]))
}

/// A 3x3 convolution that keeps the size.
fn same_conv(inputs: &[&str], to: &str) -> Node {
    conv(inputs, to, 3).with(Attribute::ints("pads", &[1; 4]))
}

/// Gives its input back.
pub fn identity() -> Model {
    Model::of(image_graph(FP32, 3, vec![Node::new("Identity", &["x"], "y")], vec![]))
}

/// Twice the size, each pixel becoming four: a 1x1 convolution copies, DepthToSpace lays the copies out.
pub fn double(channels: i64) -> Model {
    let mut weights = Vec::new();
    // CRD order: output channel c * 4 + i is the i-th of the four pixels of channel c.
    for out in 0..channels * 4 {
        weights.extend((0..channels).map(|c| if c == out / 4 { 1.0 } else { 0.0 }));
    }
    Model::of(image_graph(
        FP32,
        channels,
        vec![
            conv(&["x", "w"], "copies", 1),
            Node::new("DepthToSpace", &["copies"], "y")
                .with(Attribute::int("blocksize", 2))
                .with(Attribute::text("mode", "CRD")),
        ],
        vec![Tensor::floats("w", &[channels * 4, channels, 1, 1], &weights)],
    ))
}

/// fp16, luma: four times the middle minus the four neighbours.
pub fn edges_fp16() -> Model {
    let weights = [0.0, -1.0, 0.0, -1.0, 4.0, -1.0, 0.0, -1.0, 0.0];
    Model::of(image_graph(
        FP16,
        1,
        vec![same_conv(&["x", "w"], "y")],
        vec![Tensor::halves("w", &[1, 1, 3, 3], &weights)],
    ))
}

/// Resizes to the nearest pixel by `scale`.
pub fn resize(scale: f32) -> Model {
    Model::of(image_graph(
        FP32,
        3,
        vec![
            Node::new("Resize", &["x", "", "scales"], "y")
                .with(Attribute::text("coordinate_transformation_mode", "asymmetric"))
                .with(Attribute::text("mode", "nearest"))
                .with(Attribute::text("nearest_mode", "floor")),
        ],
        vec![Tensor::floats("scales", &[4], &[1.0, 1.0, scale, scale])],
    ))
}

/// A 3x3 convolution without padding: the output is two pixels smaller than the input.
pub fn valid_convolution() -> Model {
    Model::of(image_graph(
        FP32,
        1,
        vec![conv(&["x", "w"], "y", 3)],
        vec![Tensor::floats("w", &[1, 1, 3, 3], &[0.125; 9])],
    ))
}

/// Halves three times and doubles three times, adding each level to the one it came from, so that only multiples of
/// eight fit together.
pub fn u_net() -> Model {
    let halve = |from: &str, to: &str| {
        Node::new("AveragePool", &[from], to)
            .with(Attribute::ints("kernel_shape", &[2, 2]))
            .with(Attribute::ints("strides", &[2, 2]))
    };
    let double = |from: &str, to: &str| {
        Node::new("Resize", &[from, "", "scales"], to)
            .with(Attribute::text("coordinate_transformation_mode", "asymmetric"))
            .with(Attribute::text("mode", "nearest"))
            .with(Attribute::text("nearest_mode", "floor"))
    };
    Model::of(image_graph(
        FP32,
        3,
        vec![
            halve("x", "d1"),
            halve("d1", "d2"),
            halve("d2", "d3"),
            double("d3", "u2"),
            Node::new("Add", &["u2", "d2"], "a2"),
            double("a2", "u1"),
            Node::new("Add", &["u1", "d1"], "a1"),
            double("a1", "u0"),
            Node::new("Add", &["u0", "x"], "y"),
        ],
        vec![Tensor::floats("scales", &[4], &[1.0, 1.0, 2.0, 2.0])],
    ))
}

/// Two 3x3 convolutions with a ReLU between. Weights are eighths, so that with integer input every sum is exact in
/// fp32, in whatever order it is taken.
pub fn exact() -> Model {
    let eighths = |count: usize, step: usize| -> Vec<f32> {
        (0..count).map(|i| ((i * step) % 17) as f32 / 8.0 - 1.0).collect()
    };
    Model::of(image_graph(
        FP32,
        3,
        vec![
            same_conv(&["x", "w1", "b1"], "c1"),
            Node::new("Relu", &["c1"], "r1"),
            same_conv(&["r1", "w2", "b2"], "y"),
        ],
        vec![
            Tensor::floats("w1", &[16, 3, 3, 3], &eighths(16 * 3 * 9, 5)),
            Tensor::floats("b1", &[16], &eighths(16, 3)),
            Tensor::floats("w2", &[3, 16, 3, 3], &eighths(3 * 16 * 9, 7)),
            Tensor::floats("b2", &[3], &eighths(3, 2)),
        ],
    ))
}

/// The same model for one size only.
pub fn fixed(mut model: Model, height: i64, width: i64) -> Model {
    let graph = model.graph();
    let channels =
        graph.input[0].r#type.as_ref().and_then(|t| t.tensor_type.as_ref()?.shape.as_ref()?.dim[1].dim_value);
    graph.input = vec![ValueInfo::new("x", FP32, &[Is(1), Is(channels.unwrap_or(3)), Is(height), Is(width)])];
    model
}
