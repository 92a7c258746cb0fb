package cert

import (
	"bytes"
	"iter"
	"path/filepath"
	"strings"

	"domovoy/checks"
)

// Limits for one file of a web server's settings.
const (
	mostVhosts = 1000 // server blocks
	mostNamed  = 500  // names of one block
	mostFiles  = 16   // files of one block: RSA and EC pairs
)

// vhost is a virtual host with the certificate files that its settings name.
type vhost struct {
	names []string // as returned by checks.ToASCII; patterns are skipped
	files []string // full paths of certificates and keys
	off   bool     // the host has TLS switched off, so the server does not open its files
}

// parseVhosts reads the settings of nginx or Apache: only names and paths, of
// one file, without included files.
func parseVhosts(text []byte) []vhost {
	for line := range bytes.Lines(text) {
		if low := bytes.ToLower(bytes.TrimSpace(line)); bytes.HasPrefix(low, []byte("<virtualhost")) {
			return apacheVhosts(text)
		}
	}
	return nginxVhosts(text)
}

// nginxVhosts finds the server blocks
// (https://nginx.org/en/docs/beginners_guide.html#conf_structure).
func nginxVhosts(text []byte) []vhost {
	var found []vhost
	var blocks []string // blocks that are open
	var words []string
	server := 0 // nesting depth of the server block; 0: none is open
	for t := range nginxTokens(text) {
		switch {
		case !t.mark:
			if len(words) <= mostNamed {
				words = append(words, t.text)
			}
			continue
		case t.text == "{":
			kind := ""
			if len(words) > 0 {
				kind = words[0]
			}
			blocks = append(blocks, kind)
			if kind == "server" && server == 0 && len(found) < mostVhosts {
				server, found = len(blocks), append(found, vhost{})
			}
		case t.text == "}":
			if len(blocks) == server {
				server = 0
			}
			blocks = blocks[:max(len(blocks)-1, 0)]
		case len(words) > 1 && server > 0 && len(blocks) == server:
			found[len(found)-1].nginx(words[0], words[1:])
		}
		words = words[:0]
	}
	return found
}

func (v *vhost) nginx(directive string, values []string) {
	switch directive {
	case "server_name":
		v.name(values)
	case "ssl_certificate", "ssl_certificate_key":
		v.file(values[0])
	}
}

// apacheVhosts finds the VirtualHost sections
// (https://httpd.apache.org/docs/2.4/configuring.html#syntax).
func apacheVhosts(text []byte) []vhost {
	var found []vhost
	open := false
	long := strings.NewReplacer("\\\r\n", " ", "\\\n", " ").Replace(string(text))
	for line := range strings.Lines(long) {
		words := apacheWords(line)
		if len(words) == 0 {
			continue
		}
		switch directive := strings.ToLower(words[0]); {
		case strings.HasPrefix(directive, "<virtualhost"):
			if open = len(found) < mostVhosts; open {
				found = append(found, vhost{})
			}
		case strings.HasPrefix(directive, "</virtualhost"):
			open = false
		case open && len(words) > 1:
			found[len(found)-1].apache(directive, words[1:])
		}
	}
	return found
}

func (v *vhost) apache(directive string, values []string) {
	switch directive {
	case "servername", "serveralias":
		v.name(values)
	case "sslcertificatefile", "sslcertificatekeyfile":
		v.file(values[0])
	case "sslengine":
		v.off = strings.EqualFold(values[0], "off")
	}
}

// name adds host names. Patterns are skipped, and the port that a ServerName
// may have is cut off.
func (v *vhost) name(values []string) {
	for _, n := range values {
		n = strings.TrimPrefix(strings.ToLower(n), ".") // nginx: .shop.ru includes shop.ru
		if _, rest, ok := strings.Cut(n, "://"); ok {
			n = rest
		}
		n, _, _ = strings.Cut(n, ":")
		if len(n) > 4*253 || len(v.names) >= mostNamed || strings.HasPrefix(n, "~") {
			continue
		}
		if ascii, err := checks.ToASCII(n); err == nil {
			v.names = append(v.names, ascii)
		}
	}
}

// file adds a path. Values that are relative to the server's own folder,
// contain variables, or are not files ("engine:…", "data:…") cannot be checked
// and are skipped.
func (v *vhost) file(path string) {
	if filepath.IsAbs(path) && !strings.ContainsAny(path, "$\x00") && len(path) < 4096 && len(v.files) < mostFiles {
		v.files = append(v.files, filepath.Clean(path))
	}
}

// token is a word of nginx's settings, or a semicolon or brace.
type token struct {
	text string
	mark bool
}

// nginxTokens splits settings into tokens: comments are skipped, quotes and
// backslashes are interpreted.
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

// nginxWord returns the first word, quoted or bare, and its length in the text.
// A quote is special only at the beginning of a word.
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

// apacheWords splits a line of Apache's settings into words; a comment has
// none.
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
