package slack

import (
	"regexp"
	"strings"
)

// token is what Slack writes into a person's text in place of a mention, a
// channel, or whatever looks like an address: <@U1|ann>, <#C1|ops>, <!here>,
// <http://shop.ru|shop.ru>.
var token = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)

// plain gives a person's text as it was typed: Slack makes links of bare
// domains and escapes three characters. The mention of ourselves goes; self
// is our user id, and when it is empty (not told), the first mention is ours.
func plain(text, self string) string {
	ours := "<@" + self
	if self == "" {
		ours = "<@"
	}
	if start := strings.Index(text, ours); start >= 0 {
		if end := strings.IndexByte(text[start:], '>'); end >= 0 {
			text = text[:start] + " " + text[start+end+1:]
		}
	}
	return unwrapAll(text)
}

// unwrapAll undoes what Slack did to a text.
func unwrapAll(text string) string {
	text = token.ReplaceAllStringFunc(text, unwrap)
	text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "\u00a0", " ").Replace(text)
	return strings.TrimSpace(text)
}

// unwrap gives what a token stood for. A link is taken by its label when that
// is an address as well: it is what the person typed, or at least what they
// see.
func unwrap(s string) string {
	part := token.FindStringSubmatch(s)
	sigil, target, label := part[1], part[2], part[3]
	switch {
	case sigil == "!":
		return "@" + target
	case sigil != "" && label != "":
		return sigil + label
	case sigil != "":
		return sigil + target
	case strings.Contains(label, ".") && !strings.ContainsAny(label, " \t\n"):
		return label
	}
	return strings.TrimPrefix(target, "mailto:")
}
