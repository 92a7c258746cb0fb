package cert

import (
	"iter"
	"strings"
)

// token is a word of nginx's settings, or one of its marks: semicolon and
// braces.
type token struct {
	text string
	mark bool
}

// nginxTokens takes settings apart: comments are left out, and quotes and
// backslashes keep their meaning.
func nginxTokens(text []byte) iter.Seq[token] {
	return func(yield func(token) bool) {
		for i := 0; i < len(text); {
			switch c := text[i]; c {
			case ' ', '\t', '\r', '\n':
				i++
			case '#':
				for i < len(text) && text[i] != '\n' {
					i++
				}
			case ';', '{', '}':
				if !yield(token{string(c), true}) {
					return
				}
				i++
			default:
				word, n := nginxWord(text[i:])
				if !yield(token{text: word}) {
					return
				}
				i += n
			}
		}
	}
}

// nginxWord reads one word, quoted or bare, and tells how long it is in the
// text. A quote counts at the beginning of a word only.
func nginxWord(text []byte) (word string, length int) {
	var b strings.Builder
	quote := byte(0)
	i := 0
	if text[0] == '"' || text[0] == '\'' {
		quote, i = text[0], 1
	}
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
			continue
		case quote != 0 && c == quote:
			return b.String(), i + 1
		case quote == 0 && strings.IndexByte(" \t\r\n;{", c) >= 0:
			// ${name} is part of a word.
			if c != '{' || !strings.HasSuffix(b.String(), "$") {
				return b.String(), i
			}
		}
		b.WriteByte(c)
	}
	return b.String(), i
}

// apacheWords splits a line of Apache's settings; a comment has none.
func apacheWords(line string) []string {
	var words []string
	for line = strings.TrimSpace(line); line != "" && line[0] != '#'; line = strings.TrimLeft(line, " \t") {
		if len(words) > mostNamed {
			break
		}
		if quote := line[0]; quote == '"' || quote == '\'' {
			word, rest, _ := strings.Cut(line[1:], string(quote))
			words, line = append(words, word), rest
			continue
		}
		end := strings.IndexAny(line, " \t")
		if end < 0 {
			end = len(line)
		}
		words, line = append(words, line[:end]), line[end:]
	}
	return words
}
