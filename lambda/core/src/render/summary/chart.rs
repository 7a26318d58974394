//! The timeline as an inline SVG without text: bars stretch with the page, letters would not. Labels
//! and the table that says the same stand beside it, in HTML.

use std::fmt::Write;

use super::html::{escape, figure};
use crate::render::number;
use crate::summary::{Slot, Summary};

/// The height of the drawing, in its own units.
const HEIGHT: f64 = 100.0;

/// The chart with its labels; `name` keeps the IDs of several charts in one page apart.
pub(super) fn timeline(summary: &Summary, name: &str) -> String {
    let slots = &summary.timeline;
    let most = slots.iter().map(|slot| slot.failures.total()).max().unwrap_or(0);
    let mut out = String::new();
    let label = match most {
        0 => "No failures in this window".to_owned(),
        _ => format!("Failures over time by origin, at most {} in a bar", number(most)),
    };
    let _ = write!(
        out,
        "<div class=\"chart\"><div class=\"scale\"><span>{}</span><span>0</span></div>\
         <svg role=\"img\" aria-labelledby=\"{name}-t\" viewBox=\"0 0 {} {HEIGHT}\" \
         preserveAspectRatio=\"none\"><title id=\"{name}-t\">{}</title>\
         <defs><pattern id=\"{name}-h\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"4\" height=\"4\" class=\"hatch-back\"/>\
         <rect width=\"4\" height=\"2\" class=\"predicted\"/></pattern></defs>",
        number(most),
        slots.len() * 10,
        escape(&label),
    );
    for (at, slot) in slots.iter().enumerate() {
        bar(&mut out, at, slot, most, name);
    }
    let middle = slots.get(slots.len() / 2).map(|slot| slot.at);
    let format = if summary.window.slot_seconds >= 86_400 { "%m-%d" } else { "%m-%d %H:%M" };
    let at = |time: chrono::DateTime<chrono::Utc>| time.format(format).to_string();
    let _ = write!(
        out,
        "</svg><div class=\"axis\"><span>{}</span><span>{}</span><span>{}</span></div></div>",
        slots.first().map(|slot| at(slot.at)).unwrap_or_default(),
        middle.map(at).unwrap_or_default(),
        at(summary.window.to),
    );
    out
}

fn bar(out: &mut String, at: usize, slot: &Slot, most: u64, name: &str) {
    let total = slot.failures.total();
    if total == 0 {
        return;
    }
    let failures = slot.failures;
    let _ = write!(
        out,
        "<g><title>{} UTC: {}</title>",
        slot.at.format("%Y-%m-%d %H:%M"),
        super::origins(failures)
    );
    let mut top = HEIGHT;
    for (count, class) in [
        (failures.recorded, "class=\"recorded\"".to_owned()),
        (failures.reported, "class=\"reported\"".to_owned()),
        (failures.predicted, format!("fill=\"url(#{name}-h)\"")),
    ] {
        if count == 0 {
            continue;
        }
        // Whatever is there shows, be it ever so little beside the most.
        let height = (count as f64 / most as f64 * HEIGHT).max(2.0);
        top -= height;
        let _ = write!(
            out,
            "<rect x=\"{}\" y=\"{:.2}\" width=\"8\" height=\"{height:.2}\" {class}/>",
            at * 10 + 1,
            top.max(0.0),
        );
    }
    out.push_str("</g>");
}

/// The legend, with the sums.
pub(super) fn legend(summary: &Summary) -> String {
    let failures = summary.totals.failures;
    let item = |origin: &str, count: u64, what: &str| {
        format!(
            "<li><span class=\"key {origin}\"></span>{} {origin}<small> {what}</small></li>",
            figure(&format!("/totals/failures/{origin}"), count)
        )
    };
    format!(
        "<ul class=\"legend\">{}{}{}</ul>",
        item("recorded", failures.recorded, "in CloudTrail"),
        item("reported", failures.reported, "by clients’ logs"),
        item("predicted", failures.predicted, "callers expected to fail, not observed"),
    )
}

/// The same as the chart, as a table.
pub(super) fn table(summary: &Summary) -> String {
    let mut out = String::from(
        "<details class=\"as-table\"><summary>The timeline as a table</summary>\
         <div class=\"scroll\" role=\"region\" aria-label=\"Timeline\" tabindex=\"0\"><table><thead><tr>\
         <th scope=\"col\">From (UTC)</th><th scope=\"col\" class=\"n\">Recorded</th>\
         <th scope=\"col\" class=\"n\">Reported</th><th scope=\"col\" class=\"n\">Predicted</th></tr>\
         </thead><tbody>",
    );
    for (at, slot) in summary.timeline.iter().enumerate() {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{}</td></tr>",
            slot.at.format("%Y-%m-%d %H:%M"),
            figure(&format!("/timeline/{at}/recorded"), slot.failures.recorded),
            figure(&format!("/timeline/{at}/reported"), slot.failures.reported),
            figure(&format!("/timeline/{at}/predicted"), slot.failures.predicted),
        );
    }
    out.push_str("</tbody></table></div></details>");
    out
}
