//! The report as tables for a terminal.

use std::fmt;

use crate::report::{Report, share};
use crate::trace::Direction;
use crate::verdict::Bottleneck;

/// Longest name that is printed in full.
const NAME: usize = 46;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header(f)?;
        if self.verdict.bottleneck != Bottleneck::NoGpuWork {
            self.gaps(f)?;
            self.span_table(f)?;
            self.kernel_table(f)?;
            self.wait_table(f)?;
        }
        writeln!(f, "Verdict")?;
        self.verdict.reasons.iter().try_for_each(|reason| writeln!(f, "  {reason}"))
    }
}

impl Report {
    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.utterances == 0 {
            write!(f, "Whole recording (no range `synthesize` in it)")?;
        } else {
            write!(f, "Utterances: {}", self.utterances)?;
        }
        writeln!(f, ", frames: {}, time: {} ms\n", self.frames, ms(self.wall_ns))
    }

    fn gaps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part| 100.0 * share(part, self.wall_ns);
        let gaps = &self.gaps;
        writeln!(f, "Kernels run   {:>12} ms  {:5.1} %", ms(self.busy_ns), percent(self.busy_ns))?;
        writeln!(
            f,
            "Kernel gaps   {:>12} ms  {:5.1} %",
            ms(gaps.total_ns),
            percent(gaps.total_ns)
        )?;
        let (p50, p95, max) = (us(gaps.p50_ns), us(gaps.p95_ns), us(gaps.max_ns));
        writeln!(f, "              {} gaps, p50 {p50} us, p95 {p95} us, max {max} us", gaps.count)?;
        if self.frames > 0 {
            let per_frame = gaps.total_ns as f64 / self.frames as f64 / 1e6;
            writeln!(f, "              {per_frame:.3} ms a frame")?;
        }
        writeln!(f, "\n{:>12} {:>12}  {:NAME$}  Before", "Gap at (ms)", "Length (us)", "In span")?;
        for gap in &gaps.longest {
            let (at, length) = (ms(gap.at_ns), us(gap.length_ns));
            let span = cut(gap.span.as_deref().unwrap_or("(outside)"));
            let next = cut(gap.next.as_deref().unwrap_or("(end)"));
            writeln!(f, "{at:>12} {length:>12}  {span:NAME$}  {next}")?;
        }
        writeln!(f)
    }

    fn span_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.spans.iter().map(|span| span.gpu_self_ns).fold(0, u64::saturating_add);
        let all = all.saturating_add(self.gpu_outside_ns);
        let percent = |part| 100.0 * share(part, all);
        writeln!(
            f,
            "{:36} {:>7} {:>11} {:>11} {:>7} {:>11} {:>9} {:>11}",
            "Span", "Count", "CPU (ms)", "GPU (ms)", "GPU %", "Self (ms)", "Launches", "Gaps (ms)"
        )?;
        for row in &self.spans {
            let name = format!("{:1$}{2}", "", 2 * row.depth, row.name);
            writeln!(
                f,
                "{:36} {:>7} {:>11} {:>11} {:>7.1} {:>11} {:>9} {:>11}",
                name,
                row.count,
                ms(row.cpu_ns),
                ms(row.gpu_ns),
                percent(row.gpu_ns),
                ms(row.gpu_self_ns),
                row.launches,
                ms(row.gap_ns),
            )?;
        }
        if self.gpu_outside_ns > 0 {
            let (gpu, share) = (ms(self.gpu_outside_ns), percent(self.gpu_outside_ns));
            writeln!(f, "{:36} {:>7} {:>11} {gpu:>11} {share:>7.1}", "(outside)", "", "")?;
        }
        writeln!(f)
    }

    fn kernel_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:NAME$} {:>9} {:>11} {:>10}", "Kernel", "Launches", "Sum (ms)", "Mean (us)")?;
        for row in &self.kernels {
            let mean = row.total_ns as f64 / row.count as f64 / 1e3;
            let (name, sum) = (cut(&row.name), ms(row.total_ns));
            writeln!(f, "{name:NAME$} {:>9} {sum:>11} {mean:>10.1}", row.count)?;
        }
        writeln!(f)
    }

    fn wait_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.waits.is_empty() {
            return writeln!(f, "No waits or copies\n");
        }
        writeln!(
            f,
            "{:24} {:13} {:>7} {:>8} {:>10} {:>10} {:>10} {:>11}  In span",
            "Wait or copy",
            "Direction",
            "Calls",
            "a frame",
            "Sum (ms)",
            "a frame",
            "Max (us)",
            "Bytes"
        )?;
        for row in &self.waits {
            let (calls, spent) = match self.frames {
                0 => ("-".into(), "-".into()),
                n => (
                    format!("{:.2}", row.count as f64 / n as f64),
                    format!("{:.3}", row.total_ns as f64 / n as f64 / 1e6),
                ),
            };
            writeln!(
                f,
                "{:24} {:13} {:>7} {calls:>8} {:>10} {spent:>10} {:>10} {:>11}  {}",
                row.call,
                row.direction.map_or("-", Direction::name),
                row.count,
                ms(row.total_ns),
                us(row.max_ns),
                row.bytes,
                row.span.as_deref().unwrap_or("(outside)"),
            )?;
        }
        writeln!(f)
    }
}

fn ms(ns: u64) -> String {
    format!("{:.3}", ns as f64 / 1e6)
}

fn us(ns: u64) -> String {
    format!("{:.1}", ns as f64 / 1e3)
}

/// The name, its begin left out if it is long: the end of a path says most.
fn cut(name: &str) -> String {
    let letters = name.chars().count();
    if letters <= NAME {
        return name.into();
    }
    let tail: String = name.chars().skip(letters - (NAME - 2)).collect();
    format!("..{tail}")
}
