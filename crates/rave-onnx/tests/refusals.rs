//! What is refused before a runtime sees it, and what the message says.

mod common;

use common::models::{self, FP32, image_graph};
use common::proto::{
    Attribute, Dim, Function, Graph, Model, Node, Sequence, SparseTensor, Tensor, Training, Type, ValueInfo,
};
use common::refusal;
use rave_core::Status;
use rave_onnx::ModelSummary;

/// Checks that `bytes` are refused with `status` and a message that names the model and has all `parts`.
fn check(bytes: &[u8], status: Status, parts: &[&str]) {
    let error = refusal(bytes);
    let text = error.to_string();
    assert_eq!(error.status(), status, "{text}");
    for part in ["bad.onnx"].iter().chain(parts) {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert_eq!(text.lines().count(), 1, "{text}");
}

fn check_model(model: &Model, parts: &[&str]) {
    check(&model.encode(), Status::ModelLoadFailed, parts);
}

/// RV-ONNX-1001
#[test]
fn what_is_not_a_model_is_named() {
    let failed = Status::ModelLoadFailed;
    check(b"", failed, &["empty"]);
    check(&[0xff; 4096], failed, &["not an ONNX model"]);
    check(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        failed,
        &["Git LFS", "git lfs pull"],
    );
    check(b"\n<!DOCTYPE html><html>404</html>", failed, &["web page"]);
    check(b"PK\x03\x04....", failed, &["ZIP"]);
    check(b"\x18\0\0\0ORTM....", failed, &["ORT format"]);
    check(b"RTEN....", failed, &["rten"]);
    // Well-formed, but no graph in it: a producer's name.
    check(b"\x12\x05hello", failed, &["not an ONNX model"]);
}

/// RV-ONNX-1001
#[test]
fn a_graph_without_nodes_or_operator_set_is_refused() {
    let mut model = models::identity();
    model.graph().node.clear();
    check_model(&model, &["no nodes"]);
    let mut model = models::identity();
    model.opset_import.clear();
    check_model(&model, &["operator set"]);
}

/// RV-ONNX-1003
#[test]
fn every_truncation_of_a_model_is_refused() {
    let bytes = models::u_net().encode();
    for length in 0..bytes.len() {
        assert_eq!(refusal(&bytes[..length]).status(), Status::ModelLoadFailed, "{length} bytes");
    }
}

/// RV-ONNX-1003
#[test]
fn a_cut_behind_graph_and_operator_set_is_known_but_where_a_part_ends() {
    let mut bytes = models::u_net().encode();
    let mut ends = vec![bytes.len()];
    // `metadata_props` of a key and a value.
    for part in [b"\x72\x08\x0a\x01k\x12\x03one", b"\x72\x08\x0a\x01l\x12\x03two"] {
        bytes.extend(part);
        ends.push(bytes.len());
    }
    for length in 0..=bytes.len() {
        let accepted = ModelSummary::read(&bytes[..length], "cut.onnx").is_ok();
        assert_eq!(accepted, ends.contains(&length), "{length} bytes");
    }
}

/// RV-ONNX-1002
#[test]
fn weights_in_another_file_are_untrusted_wherever_they_are_mentioned() {
    let external = |location| Tensor::external("w", location);
    let constant =
        |location| Node::new("Constant", &[], "c").with(Attribute::tensor("value", external(location)));
    let base = || image_graph(FP32, 3, vec![Node::new("Identity", &["x"], "y")], vec![]);
    let branch = |location| Graph {
        node: vec![constant(location)],
        output: vec![ValueInfo::new("c", FP32, &[Dim::Is(4)])],
        ..Graph::default()
    };
    for location in
        ["../../etc/passwd", "/etc/passwd", "weights.bin", "link/to/weights", "*/_ORT_MEM_ADDR_/*"]
    {
        let mut models = vec![];
        let mut add = |change: &dyn Fn(&mut Graph)| {
            let mut graph = base();
            change(&mut graph);
            models.push(Model::of(graph));
        };
        add(&|graph| graph.initializer.push(external(location)));
        add(&|graph| graph.node.push(constant(location)));
        add(&|graph| {
            graph
                .node
                .push(Node::new("If", &["b"], "c").with(Attribute::graph("then_branch", branch(location))));
        });
        add(&|graph| {
            let attribute = Attribute {
                name: "value".into(),
                tensors: vec![external(location)],
                graphs: vec![branch(location)],
                ..Attribute::default()
            };
            graph.node.push(Node::new("Constant", &[], "c").with(attribute));
        });
        add(&|graph| {
            graph
                .sparse_initializer
                .push(SparseTensor { values: Some(external(location)), ..SparseTensor::default() });
        });
        add(&|graph| {
            // Marked as external by its entries alone.
            graph.initializer.push(Tensor { data_location: None, ..external(location) });
        });
        let mut model = Model::of(base());
        model.functions.push(Function { node: vec![constant(location)], ..Function::default() });
        models.push(model);
        let mut model = Model::of(base());
        model.training_info.push(Training { initialization: Some(branch(location)) });
        models.push(model);
        for model in models {
            check(&model.encode(), Status::Untrusted, &[location, "weights in another file"]);
        }
    }
}

/// RV-ONNX-1002
#[test]
fn an_external_location_marked_before_its_tensor_has_a_name_is_still_named() {
    let mut model = models::identity();
    model.graph().initializer.push(Tensor::external("weights", "a\nb"));
    check(&model.encode(), Status::Untrusted, &["`weights`", r"`a\nb`"]);
}

/// RV-ONNX-1101
#[test]
fn a_model_takes_one_image_and_gives_one() {
    let image = |name, element, dims: &[Dim]| ValueInfo::new(name, element, dims);
    let (one, h, w) = (Dim::Is(1), Dim::Any("h"), Dim::Any("w"));
    let mut model = models::identity();
    model.graph().input.push(image("extra", FP32, &[one, Dim::Is(3), h, w]));
    check_model(&model, &["2 inputs", "`x` 1x3x?x?", "`extra`", "expected one input"]);

    let mut model = models::identity();
    model.graph().output.push(image("extra", FP32, &[one, Dim::Is(3), h, w]));
    check_model(&model, &["2 outputs", "`extra`"]);

    let mut model = models::identity();
    model.graph().input.clear();
    check_model(&model, &["0 inputs"]);

    for (element, dims, parts) in [
        (FP32, &[one, Dim::Is(4), h, w][..], &["`x` has 4 channels", "3 (RGB) or 1 (luma)"][..]),
        (FP32, &[one, Dim::Is(3), h], &["input `x`", "1x3x?"]),
        (FP32, &[Dim::Is(2), Dim::Is(3), h, w], &["2x3x?x?", "batch"]),
        (7, &[one, Dim::Is(3), h, w], &["input `x`", "int64"]),
        (8, &[one, Dim::Is(3), h, w], &["string"]),
        (FP32, &[one, Dim::Is(3), Dim::Is(0), w], &["1x3x0x?", "height"]),
        (FP32, &[one, Dim::Is(3), Dim::Is(32769), w], &["32769"]),
        (FP32, &[one, Dim::Is(3), Dim::Is(-1), w], &["1x3x-1x?", "impossible"]),
        (FP32, &[one, Dim::Is(3), Dim::Is(1 << 40), w], &["1099511627776", "impossible"]),
    ] {
        let mut model = models::identity();
        model.graph().input = vec![image("x", element, dims)];
        check_model(&model, parts);
    }

    let mut model = models::identity();
    model.graph().output = vec![image("y", FP32, &[one, one, h, w])];
    check_model(&model, &["input `x` has 3 channels and output `y` has 1"]);

    let mut model = models::identity();
    model.graph().input[0].r#type = Some(sequences(1));
    check_model(&model, &["`x` is not a tensor"]);
}

/// A sequence of sequences of ... of nothing.
fn sequences(depth: usize) -> Type {
    let mut r#type = Type::default();
    for _ in 0..depth {
        r#type = Type {
            tensor_type: None,
            sequence_type: Some(Box::new(Sequence { elem_type: Some(Box::new(r#type)) })),
        };
    }
    r#type
}

/// RV-ONNX-1004
#[test]
fn dimensions_that_no_memory_holds_are_refused() {
    for dims in [vec![1 << 40], vec![-1], vec![65536, 65536], vec![i64::MAX, 0], vec![1; 17]] {
        let mut model = models::identity();
        model
            .graph()
            .initializer
            .push(Tensor { raw_data: Some(vec![0; 64]), ..Tensor::floats("huge", &dims, &[]) });
        check_model(&model, &["dimensions"]);

        let mut model = models::identity();
        let declared: Vec<_> = dims.iter().map(|&dim| Dim::Is(dim)).collect();
        model.graph().value_info.push(ValueInfo::new("huge", FP32, &declared));
        check_model(&model, &["`huge`", "dimensions"]);
    }
}

/// RV-ONNX-1004
#[test]
fn weights_that_do_not_agree_with_their_dimensions_are_refused() {
    let wrong = |tensor: Tensor, parts: &[&str]| {
        let mut model = models::identity();
        model.graph().initializer.push(tensor);
        check_model(&model, parts);
    };
    wrong(Tensor::floats("w", &[4], &[1.0; 3]), &["`w` has 12 bytes", "expected 16 bytes"]);
    wrong(
        Tensor { raw_data: None, float_data: vec![1.0; 5], ..Tensor::floats("w", &[4], &[]) },
        &["`w` has 5 numbers", "expected 4 numbers"],
    );
    wrong(
        Tensor { dims: vec![3], ..Tensor::int64s("w", &[1, -2]) },
        &["`w` has 2 numbers", "expected 3 numbers"],
    );
    wrong(Tensor { data_type: 99, ..Tensor::floats("w", &[1], &[1.0]) }, &["`w`", "element type 99"]);
    wrong(Tensor { data_type: 8, ..Tensor::floats("w", &[1], &[1.0]) }, &["`w` has 4 bytes"]);
}

/// RV-ONNX-1004
#[test]
fn operators_that_would_make_huge_tensors_are_refused() {
    let huge = || Tensor::int64s("s", &[1 << 20, 1 << 20]);
    let model = |op: &str, inputs: &[&str], tensor: Tensor| {
        Model::of(image_graph(
            FP32,
            3,
            vec![Node::new("Identity", &["x"], "y"), Node::new(op, inputs, "z")],
            vec![tensor],
        ))
    };
    for (op, inputs) in [
        ("ConstantOfShape", &["s"][..]),
        ("Expand", &["x", "s"]),
        ("Reshape", &["x", "s"]),
        ("Tile", &["x", "s"]),
        ("Resize", &["x", "", "", "s"]),
    ] {
        check_model(&model(op, inputs, huge()), &["`z`", op, "1048576x1048576"]);
    }
    let scales = Tensor::floats("s", &[4], &[1.0, 1.0, 1e6, 1e6]);
    check_model(&model("Resize", &["x", "", "s"], scales.clone()), &["`z`", "1000000"]);
    check_model(&model("Upsample", &["x", "s"], scales), &["`z`", "1000000"]);
    let pads = Tensor::int64s("s", &[0, 0, 0, 0, 0, 0, 1 << 30, 0]);
    check_model(&model("Pad", &["x", "s"], pads), &["`z`", "pads", "1073741824"]);

    // The shape as a Constant node, used inside a branch.
    let mut nested = models::identity();
    let graph = nested.graph();
    graph.node.push(Node::new("Constant", &[], "s").with(Attribute::tensor("value", huge())));
    let branch = Graph { node: vec![Node::new("ConstantOfShape", &["s"], "inner")], ..Graph::default() };
    graph.node.push(Node::new("If", &["b"], "c").with(Attribute::graph("then_branch", branch)));
    check_model(&nested, &["`inner`", "1048576x1048576"]);

    let mut window = models::identity();
    let pads = Attribute::ints("pads", &[0, 0, 1 << 30, 0]);
    window.graph().node.push(Node::new("Conv", &["x", "w"], "z").with(pads));
    check_model(&window, &["`z`", "pads", "1073741824"]);
}

/// RV-ONNX-1004
#[test]
fn sizes_that_a_runtime_would_divide_by_are_never_zero() {
    for attribute in [
        Attribute::ints("strides", &[1, 0]),
        Attribute::ints("dilations", &[0, 1]),
        Attribute::ints("kernel_shape", &[3, -3]),
        Attribute::int("group", 0),
        Attribute::int("blocksize", 0),
    ] {
        let name = attribute.name.clone();
        let mut model = models::identity();
        model.graph().node.push(Node::new("AnyOperator", &["x"], "z").with(attribute));
        check_model(&model, &["`z`", "AnyOperator", &name, "expected 1 to"]);
    }
}

/// RV-ONNX-1005
#[test]
fn deep_nesting_is_refused() {
    let mut graph = Graph { node: vec![Node::new("Identity", &["x"], "y")], ..Graph::default() };
    for _ in 0..12 {
        graph = Graph {
            node: vec![Node::new("If", &["b"], "y").with(Attribute::graph("then_branch", graph))],
            ..Graph::default()
        };
    }
    check_model(&Model::of(graph), &["nest"]);

    let mut model = models::identity();
    model.graph().value_info.push(ValueInfo { name: "deep".into(), r#type: Some(sequences(12)) });
    check_model(&model, &["`deep`", "nests too deep"]);
}

/// RV-ONNX-1005
#[test]
fn a_hundred_thousand_levels_do_not_overflow_the_stack() {
    // Built by hand: a writer would overflow first. Attribute 6 (graph) in node 5 in graph 1, inside out.
    let mut bytes: Vec<u8> = Vec::new();
    let mut lengths = vec![];
    for _ in 0..100_000 {
        let start: usize = lengths.last().copied().unwrap_or(0);
        let attribute = start + 1 + varint(start).len();
        let node = attribute + 1 + varint(attribute).len();
        lengths.push(node + 1 + varint(node).len());
    }
    for index in (0..lengths.len()).rev() {
        let graph = if index == 0 { 0 } else { lengths[index - 1] };
        let attribute = graph + 1 + varint(graph).len();
        let node = attribute + 1 + varint(attribute).len();
        for (tag, length) in [(0x0a, node), (0x2a, attribute), (0x32, graph)] {
            bytes.push(tag);
            bytes.extend(varint(length));
        }
    }
    let mut model = vec![0x3a];
    model.extend(varint(bytes.len()));
    model.extend(bytes);
    model.extend([0x42, 0x02, 0x10, 13]);
    check(&model, Status::ModelLoadFailed, &["nest"]);
}

/// RV-ONNX-1005
#[test]
fn a_flood_of_tiny_nodes_is_refused() {
    check(&nodes(2_000_000, &[0x22, 1, b'R']), Status::ModelLoadFailed, &["too many parts"]);
}

/// RV-ONNX-1003
#[test]
fn a_node_that_names_no_operator_is_refused() {
    check(&nodes(1, &[0x12, 1, b'x']), Status::ModelLoadFailed, &["node `x` names no operator", "op_type"]);
}

/// A model of so many such nodes, and nothing else.
fn nodes(count: usize, node: &[u8]) -> Vec<u8> {
    let graph = [&[0x0a, node.len() as u8], node].concat().repeat(count);
    let mut model = vec![0x3a];
    model.extend(varint(graph.len()));
    model.extend(graph);
    model.extend([0x42, 0x02, 0x10, 13]);
    model
}

/// RV-ONNX-1006
#[test]
fn a_part_that_parsers_would_merge_or_replace_is_refused() {
    let mut bytes = models::identity().encode();
    bytes.extend(models::double(3).encode());
    check(&bytes, Status::ModelLoadFailed, &["graph appears twice"]);
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = vec![];
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
