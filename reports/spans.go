package reports

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Span is a part of a text.
type Span struct {
	Text string
	Name bool // of a site, an address, a file: what people copy
}

// Spans splits a text so that names stand alone. A messenger shows them so that one
// tap copies them, and so that it makes no link of them: a domain in a list may be
// abandoned, or somebody else's by now. The texts joined are the text given.
func Spans(text string) []Span {
	var spans []Span
	from := 0 // the beginning of what is no name
	for at := 0; at < len(text); {
		end := at + wordEnd(text[at:])
		if end == at {
			_, size := utf8.DecodeRuneInString(text[at:])
			at += size
			continue
		}
		start, stop := trimWord(text, at, end)
		if at = end; !looksLikeName(text[start:stop]) {
			continue
		}
		if start > from {
			spans = append(spans, Span{Text: text[from:start]})
		}
		spans = append(spans, Span{Text: text[start:stop], Name: true})
		from = stop
	}
	if from < len(text) {
		spans = append(spans, Span{Text: text[from:]})
	}
	return spans
}

// inWord are the characters, beside letters and digits, that a name can have.
const inWord = ".-_*/:@%+~=&?#[]!$;"

// wordEnd is the length of the word that a text begins with; 0: it begins with none.
func wordEnd(text string) int {
	for i, r := range text {
		if !isInWord(r) {
			return i
		}
	}
	return len(text)
}

// isInWord reports whether a rune can be a part of a name. Most are ASCII, which needs
// no table of Unicode.
func isInWord(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	case r < utf8.RuneSelf:
		return strings.IndexByte(inWord, byte(r)) >= 0
	}
	return isLetter(r) || unicode.IsDigit(r)
}

// trimWord is a word without the punctuation of the sentence around it.
func trimWord(text string, start, stop int) (int, int) {
	word := strings.TrimRight(text[start:stop], ".:;?!=&-")
	trimmed := strings.TrimLeft(word, "-:;=&?!")
	start += len(word) - len(trimmed)
	return start, start + len(trimmed)
}

// isLetter reports whether a rune is part of a word in some script: vowel signs and
// joiners are.
func isLetter(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsMark(r) || r == '\u200C' || r == '\u200D'
}

// looksLikeName reports whether a word has a domain or an IP address in it, or is an
// absolute path or a filter such as cause=dns.
func looksLikeName(word string) bool {
	if !strings.ContainsAny(word, "./:=") {
		return false // as nearly all words
	}
	if _, _, found := strings.Cut(word, "://"); found {
		return true
	}
	if strings.HasPrefix(word, "/") {
		return strings.Count(word, "/") > 1
	}
	if key, value, _ := strings.Cut(word, "="); key != "" && value != "" && strings.IndexFunc(key, func(r rune) bool { return !isLetter(r) }) < 0 {
		return true
	}
	if isIPv6(word) {
		return true
	}
	for part := range strings.FieldsFuncSeq(word, func(r rune) bool { return r == '@' || r == '/' || r == ':' }) {
		if isDomain(part) || isIPv4(part) {
			return true
		}
	}
	return false
}

// isIPv4 reports whether a word is four numbers with dots between.
func isIPv4(word string) bool {
	return strings.Count(word, ".") == 3 && strings.Trim(word, "0123456789.") == "" && !strings.Contains("."+word+".", "..")
}

// isIPv6 reports whether a word has the form of an IPv6 address, maybe in brackets
// with a port or a prefix.
func isIPv6(word string) bool {
	word, _, _ = strings.Cut(strings.TrimPrefix(word, "["), "]")
	word, _, _ = strings.Cut(word, "/")
	groups := strings.Count(word, ":")
	return groups > 1 && (groups == 7 || strings.Contains(word, "::")) && strings.Trim(word, "0123456789abcdefABCDEF:.") == "" && strings.Trim(word, ":.") != ""
}

// isDomain reports whether a messenger might take a word for a domain: labels with
// dots between, of which the last has a letter and more than one character, so that
// it is no abbreviation and no number.
func isDomain(word string) bool {
	dot := strings.LastIndexByte(word, '.')
	if dot <= 0 || word[0] == '.' || strings.Contains(word, "..") {
		return false
	}
	last := word[dot+1:]
	return utf8.RuneCountInString(last) > 1 && strings.IndexFunc(last, isLetter) >= 0
}
