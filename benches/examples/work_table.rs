//! Prints what every stage has to do, with the shapes of the released 0.6B model.

use anyhow::Result;
use tts_benches::random_model::RandomModel;
use tts_benches::work::{
    StageWork, codec_decode, codec_encode, predictor_frame, prefill, talker_step, x_vector,
};
use tts_checkpoint::Checkpoint;

fn print(name: &str, stage: &StageWork) {
    let row = |name: &str, work: tts_benches::work::Work| {
        println!(
            "{name:32} {:10.2} {:8.2} {:10.2}",
            work.weights as f64 / 1e6,
            work.cache as f64 / 1e6,
            work.multiply_adds as f64 / 1e6,
        );
    };
    row(name, stage.total());
    for op in &stage.ops {
        row(&format!("  {}", op.name), op.work);
    }
}

fn main() -> Result<()> {
    let checkpoint = Checkpoint::open(RandomModel::base_06b(&[])?.files())?;
    let (talker, codec) = (&checkpoint.config.talker_config, &checkpoint.codec);
    println!("{:32} {:>10} {:>8} {:>10}", "in millions", "weights", "cache", "mult.-adds");
    print("prefill, 25 positions", &prefill(talker, 25));
    print("talker step at position 100", &talker_step(talker, 100));
    print("code predictor, a frame", &predictor_frame(talker));
    print("codec decoder, a frame", &codec_decode(&codec.decoder_config, 1));
    print("codec encoder, 13 frames", &codec_encode(codec, 13));
    if let Some(speaker) = &checkpoint.config.speaker_encoder_config {
        print("x-vector, 93 mel frames", &x_vector(speaker, 93));
    }
    Ok(())
}
