//! The sources of the workspace, read and lexed, for the tasks that look at code.

pub(crate) mod test_code;
pub(crate) mod tokens;
pub(crate) mod workspace;
