//! `cargo xtask profile report` on the embedded model: the page is read again.

use std::process::Command;
use std::sync::OnceLock;

use quick_xml::Reader;
use quick_xml::events::Event;

const FRAMES: usize = 20;
const STAGES: [&str; 8] = [
    "synthesize",
    "prefill",
    "generate_frames",
    "code_predictor",
    "talker_step",
    "sampling",
    "top_k",
    "decode",
];
const ROOFLINE: &str = r#"{"bandwidth_gb_s": 20.5, "fma_gflop_s": 150, "rows": [
    {"stage": "talker_step", "bytes": 9e8, "flops": 4.5e8, "ms": 60, "gb_s": 15, "gflop_s": 7.5,
     "share_of_roof": 0.73},
    {"stage": "<planted>", "bytes": 0, "flops": 0, "ms": 1, "gb_s": 0, "gflop_s": 0,
     "share_of_roof": 0}]}"#;

/// The page of one run with an unoptimised build, made once.
fn page() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("roofline.json"), ROOFLINE).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["profile", "report", "-o", "page.html", "--roofline", "roofline.json"])
            .args(["--cargo-profile", "dev", "--warmup", "0", "--"])
            .args(["--frames", &FRAMES.to_string()])
            .current_dir(home.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), "page.html: open it in a browser\n");
        std::fs::read_to_string(home.path().join("page.html")).unwrap()
    })
}

/// The elements with their attributes. Fails on what is no well-formed XML.
fn elements() -> Vec<(String, Vec<(String, String)>)> {
    let mut reader = Reader::from_str(page());
    let mut elements = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                let name = String::from_utf8(element.name().as_ref().to_vec()).unwrap();
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
                    (key, String::from_utf8(attribute.value.to_vec()).unwrap())
                });
                elements.push((name.clone(), attributes.collect()));
            }
            Event::GeneralRef(entity) => {
                let entity = entity.decode().unwrap();
                let known = ["amp", "lt", "gt", "quot"].contains(&entity.as_ref());
                assert!(known, "XML does not know &{entity};");
            }
            Event::Eof => return elements,
            _ => {}
        }
    }
}

#[test]
fn the_page_is_well_formed_and_refers_to_nothing() {
    for (name, attributes) in elements() {
        for element in ["script", "link", "img", "iframe", "object", "embed", "base", "use"] {
            assert_ne!(name, element);
        }
        for (key, value) in attributes {
            assert!(!["src", "href", "xlink:href", "srcset"].contains(&key.as_str()), "{key}");
            assert!(!value.contains("http") && !value.contains("url("), "{key}={value}");
        }
    }
    let style = page().split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
    let style = style.unwrap();
    assert!(style.len() > 1000);
    for reference in ["url(", "@import", "http", "<", "&"] {
        assert!(!style.contains(reference), "{reference}");
    }
}

#[test]
fn every_stage_is_in_the_table_and_in_the_flame_graph() {
    for stage in STAGES {
        assert!(page().contains(&format!("<th scope=\"row\">{stage}</th>")), "{stage}");
    }
    for stage in ["synthesize", "generate_frames", "code_predictor", "decode"] {
        assert!(page().contains(&format!("<title>{stage}: ")), "{stage}");
    }
    // Set in below `synthesize` and `generate_frames`.
    let path = "\u{a0}".repeat(6) + "code_predictor";
    assert!(page().contains(&format!("<th scope=\"row\">{path}</th>")), "{path}");
}

#[test]
fn every_frame_is_in_the_chart_with_the_budget() {
    for frame in 0..FRAMES {
        let title = format!("<title>frame {frame}: ");
        assert!(page().contains(&title), "frame {frame}");
    }
    assert!(!page().contains(&format!("<title>frame {FRAMES}: ")));
    assert!(page().contains("class=\"tick budget end\""));
    assert!(page().contains("over the budget of 80 ms"));
}

#[test]
fn waits_of_the_source_stand_beside_those_of_the_run() {
    let row = format!(
        "<th scope=\"row\">generate.frame</th><td>per-frame</td>\
         <td class=\"number\">{FRAMES}</td>"
    );
    assert!(page().contains(&row));
    assert!(page().contains("<b>1.00 times</b>"));
    // Nothing of the embedded model encodes a reference.
    let unseen = "<th scope=\"row\">codec_encoder.codes</th><td>per-utterance</td><td class=\"number\">0</td>";
    assert!(page().contains(unseen));
    assert!(!page().contains("The audit objects") && !page().contains("seen as"));
}

#[test]
fn the_headline_the_roofline_and_the_environment_are_there() {
    for text in [
        "<dt>Real-time factor</dt>",
        "<dt>Audio</dt><dd>1.60 s</dd>",
        "<dt>Frames a second</dt>",
        "<circle ",
        "<th scope=\"row\">&lt;planted&gt;</th>",
        "<b>20.5 GB/s</b>",
        "<dt>model</dt><dd>(embedded)</dd>",
        "<dt>rustc</dt><dd>rustc ",
    ] {
        assert!(page().contains(text), "{text}");
    }
    assert_eq!(elements().iter().filter(|(name, _)| name == "circle").count(), 1);
}
