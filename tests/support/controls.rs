//! The controls of a page, and what a browser without scripts posts of them.

/// A control, or anything else, as it stands in a page: its name and attributes, with what is inside where that matters.
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<(&'a str, String)>,
    /// The page after it.
    rest: &'a str,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }
}

/// The names and values that the controls of this piece of HTML post when nobody touches them.
pub(crate) fn successful_controls(html: &str) -> Vec<(String, String)> {
    let mut posted = Vec::new();
    for tag in tags(html) {
        let Some(name) =
            tag.attribute("name").filter(|_| ["input", "textarea", "select"].contains(&tag.name))
        else {
            continue;
        };
        if let Some(value) = value(&tag) {
            posted.push((name.to_owned(), value));
        }
    }
    posted
}

fn value(control: &Tag<'_>) -> Option<String> {
    match control.name {
        "textarea" => {
            let text = unescaped(control.rest.split("</textarea>").next()?);
            let text = text.strip_prefix('\n').unwrap_or(&text).to_owned();
            Some(text.replace('\n', "\r\n"))
        }
        "select" => {
            let options: Vec<_> = tags(control.rest.split("</select>").next()?);
            let chosen = options.iter().find(|option| option.has("selected")).or(options.first())?;
            Some(chosen.attribute("value").unwrap_or_default().to_owned())
        }
        _ => {
            let is_box = matches!(control.attribute("type"), Some("checkbox" | "radio"));
            let value = control.attribute("value").unwrap_or_default().replace(['\r', '\n'], "");
            (!is_box || control.has("checked")).then_some(value)
        }
    }
}

/// The tags that begin elements.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let tag = tag(rest);
            rest = tag.rest;
            tags.push(tag);
        }
    }
    tags
}

fn tag(text: &str) -> Tag<'_> {
    let end = text.find(|c: char| c.is_whitespace() || c == '>').unwrap();
    let (name, mut rest) = text.split_at(end);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('>') {
            return Tag { name, attributes, rest: after };
        }
        let end = rest.find(['=', '>', ' ']).unwrap();
        let attribute = &rest[..end];
        rest = &rest[end..];
        let Some(quoted) = rest.strip_prefix("=\"") else {
            attributes.push((attribute, String::new()));
            continue;
        };
        let (value, after) = quoted.split_once('"').unwrap();
        attributes.push((attribute, unescaped(value)));
        rest = after;
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}
