use crate::args::QuantizeArgs;
use crate::error::CliError;
use crate::model;

pub(crate) fn run(args: &QuantizeArgs) -> Result<(), CliError> {
    let files = model::files(&args.model)?;
    let size = tts::quantize(files, args.dtype, &args.output)?;
    let megabytes = size as f64 / 1e6;
    let line = format!("{}: {megabytes:.1} MB in {}\n", args.output.display(), args.dtype);
    crate::print(line.as_bytes())
}
