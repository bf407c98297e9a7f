//! The texts that are spoken.

use anyhow::{Result, bail};

/// A text and its name in reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text {
    pub(crate) label: &'static str,
    pub(crate) text: &'static str,
}

impl Text {
    pub(crate) fn words(&self) -> usize {
        self.text.split_whitespace().count()
    }
}

const TEXTS: [Text; 3] = [
    Text {
        label: "short",
        text: "The train to the coast leaves at half past nine from platform four.",
    },
    Text {
        label: "medium",
        text: "The train to the coast leaves at half past nine from platform four. If you miss it, \
               there is another one an hour later, but it stops at every village on the way and \
               arrives after lunch. Bring a book, or sit on the left and look at the sea.",
    },
    Text {
        label: "long",
        text: "The train to the coast leaves at half past nine from platform four. If you miss it, \
               there is another one an hour later, but it stops at every village on the way and \
               arrives after lunch. Bring a book, or sit on the left and look at the sea. In the \
               afternoon we will walk along the cliffs to the old lighthouse, which was built two \
               hundred years ago and still turns every night, although nobody has lived there for a \
               long time. The keeper's daughter sells tea and warm bread in a hut beside the path. \
               When the weather is clear you can count eleven islands from her window, and when it \
               is not, she will tell you their names and what happened on each of them.",
    },
];

/// The texts with these labels, in this order.
pub(crate) fn labelled(labels: &[String]) -> Result<Vec<Text>> {
    let find = |label: &String| match TEXTS.iter().find(|text| text.label == label) {
        Some(text) => Ok(*text),
        None => bail!("no text {label:?}; there are short, medium and long"),
    };
    labels.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_long_as_their_labels_say() {
        assert_eq!(TEXTS.map(|text| text.words()), [13, 50, 129]);
    }

    #[test]
    fn unknown_labels_are_refused() {
        let labels = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(labelled(&labels(&["long", "short"])).unwrap()[1].label, "short");
        assert!(labelled(&labels(&["tiny"])).is_err());
    }
}
