//! The page for whoever signs in as a device that everybody on the bus has in their hands.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::html::Text;
use super::page::{answer_about, form, whole};
use crate::bus::embedded::oauth::{AuthorizationRequest, SignedIn, Ticket};

/// Who else may act as the device is named up to here.
const NAMED: usize = 5;

const WHY: &str = "<p class=\"alarm\" role=\"alert\">You are not signed in at the client: everybody on this bus may change this device and \
                   make tokens of it, or act as it, so that anybody could be you there.</p>";

/// That nobody is signed in as such a device, and the button that closes it.
pub(super) fn page(request: &AuthorizationRequest, ticket: &Ticket, signed_in: &SignedIn) -> HttpResponse {
    let name =
        signed_in.name.as_ref().map(|name| format!("<bdi>{}</bdi><br>", Text(name))).unwrap_or_default();
    let lists: Vec<_> =
        signed_in.open.lists.iter().map(|list| format!("<code>{}</code>", Text(list))).collect();
    let facts = format!(
        "<dl><div><dt>Your device</dt><dd>{name}<code>{}</code></dd></div>\
         <div><dt>Everybody is on</dt><dd>{}</dd></div>{}</dl>",
        Text(&signed_in.device),
        lists.join("<br>"),
        beside(&signed_in.open.beside),
    );
    let what = "<p>Closing it takes everybody (<code>*</code>) off and ends its tokens, but for the one that you signed in with: \
                anybody may have made them. Programs of yours that use another one need a new one then.</p>";
    let buttons = r#"<div class="buttons">
<button class="strong" name="answer" value="close">Close it and go on</button>
<button name="answer" value="deny">Cancel</button>
<button class="link" name="answer" value="leave">Sign in as another device</button>
</div>"#;
    let body = format!("{WHY}{facts}{what}{}", form(request, ticket, buttons));
    let answer = answer_about(StatusCode::FORBIDDEN, request.target.scheme());
    whole(answer, "Your device is open to everybody", &body)
}

/// Whoever let themselves in while it was open stays.
fn beside(named: &[String]) -> String {
    if named.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = named.iter().take(NAMED).map(|uuid| format!("<code>{}</code>", Text(uuid))).collect();
    let more = named.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!("<br>and {more} more") };
    format!(
        "<div><dt>Others who stay on such lists; take off whom you do not know</dt><dd>{}{more}</dd></div>",
        shown.join("<br>")
    )
}
