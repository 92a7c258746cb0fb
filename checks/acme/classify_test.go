package acme_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/acme"
)

// entry is a text of testdata/corpus.txt with what it means.
type entry struct {
	line         int
	source, text string
	want         string // code and arguments
}

// corpus reads testdata/corpus.txt, whose header describes its format.
func corpus(tb testing.TB) []entry {
	tb.Helper()
	data, err := os.ReadFile("testdata/corpus.txt")
	if err != nil {
		tb.Fatal(err)
	}
	var entries []entry
	var source string
	var text []string
	for i, line := range strings.Split(string(data), "\n") {
		switch {
		case strings.HasPrefix(line, "## "):
			source, text = line[3:], nil
		case source == "", line == "" && len(text) == 0:
		case strings.HasPrefix(line, "=> "):
			entries = append(entries, entry{i + 1, source, strings.Join(text, "\n"), line[3:]})
			text = nil
		default:
			text = append(text, line)
		}
	}
	return entries
}

// told formats a code and its arguments as the corpus does, arguments sorted.
func told(code checks.Code, args checks.Args) string {
	if code == "" {
		return "?"
	}
	words := []string{string(code)}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		v := args[name]
		if t, ok := v.(time.Time); ok {
			v = t.Format(time.RFC3339)
		}
		value := fmt.Sprint(v)
		if strings.Contains(value, " ") {
			value = strconv.Quote(value)
		}
		words = append(words, name+"="+value)
	}
	return strings.Join(words, " ")
}

// sorted sorts the arguments.
func sorted(want string) string {
	words := strings.Fields(want)
	slices.Sort(words[1:])
	return strings.Join(words, " ")
}

func TestCorpus(t *testing.T) {
	entries := corpus(t)
	if len(entries) < 400 {
		t.Fatalf("%d texts, which cannot be all", len(entries))
	}
	c := acme.NewClassifier()
	right := 0
	for _, e := range entries {
		got := told(c.Classify(e.text))
		if diff := cmp.Diff(sorted(e.want), got); diff != "" {
			t.Errorf("line %d (%s): %.120q (-want +got):\n%s", e.line, e.source, e.text, diff)
			continue
		}
		right++
	}
	t.Logf("%d of %d texts are understood", right, len(entries))
}

// wrappings are the transformations that a text may undergo on its way into a
// log.
var wrappings = map[string]func(text string) string{
	"as it is":         func(text string) string { return text },
	"on narrow lines":  wrapped,
	"in a JSON string": func(text string) string { return `{"response":` + quoted(text) + `}` },
	"in XML":           func(text string) string { return "<msg>" + html.EscapeString(text) + "</msg>" },
	"after a megabyte": func(text string) string { return strings.Repeat("[13:01:02] _ret='0'\n", 50_000) + text },
	"before a megabyte": func(text string) string {
		return text + strings.Repeat("\n[13:01:09] Debug: nothing more of interest", 25_000)
	},
	"in colors": colored,
	"in the journal's colors": func(text string) string {
		return strings.ReplaceAll(colored(text), "\x1b", "#033")
	},
	"with carriage returns": func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") + "\r\n" },
	"in Russian": func(text string) string {
		return "Ошибка выпуска сертификата «x_le3»: " + text + "\nПовторите попытку позже."
	},
}

// frames are what a client or a panel puts around a text that it passes on. They
// add facts of their own, such as a name or a type, and may cut the text, so only
// the code is compared.
var frames = map[string]func(text string) string{
	"with acme.sh's date": func(text string) string { return "[Sat Nov 28 03:25:54 MSK 2026] shop.ru: Invalid status. " + text },
	"in a problem document": func(text string) string {
		return `{"type":"urn:ietf:params:acme:error:unauthorized","detail":` + quoted(text) + `,"status":403}`
	},
	"in certbot's report": func(text string) string {
		return "Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:\n  Domain: shop.ru\n  Type:   unauthorized\n  Detail: " +
			text + "\n\nSome challenges have failed."
	},
	"after lego's words": func(text string) string {
		return "error: one or more domains had a problem:\n[shop.ru] acme: error: 403 :: urn:ietf:params:acme:error:unauthorized :: " + text + ", url: "
	},
	"in the panel's words": func(text string) string {
		return "Не удалось выпустить сертификат Let's Encrypt для shop.ru. Текст ошибки: " + text
	},
	"escaped twice": func(text string) string { return html.EscapeString(html.EscapeString(quoted(text))) },
	"cut":           func(text string) string { return cut(text, 255) },
}

// cut shortens a text to n bytes, as columns of databases do.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

func quoted(text string) string {
	q, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return string(q)
}

// colored gives each third word of a text a color, as terminals are told to.
func colored(text string) string {
	words := strings.Split(text, " ")
	for i := range words {
		if i%3 == 1 {
			words[i] = "\x1b[1;31m" + words[i] + "\x1b[0m"
		}
	}
	return strings.Join(words, " ")
}

// wrapped breaks a text at spaces, as terminals and older versions of certbot
// do.
func wrapped(text string) string {
	var out strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		if width > 0 && width+len(word) > 60 {
			out.WriteString("\n    ")
			width = 0
		}
		out.WriteString(word + " ")
		width += len(word) + 1
	}
	return out.String()
}

// The meaning of a text does not depend on how it was wrapped or escaped.
func TestCorpusInEveryDress(t *testing.T) {
	c := acme.NewClassifier()
	for name, wrap := range wrappings {
		t.Run(name, func(t *testing.T) {
			for _, e := range corpus(t) {
				code, args := c.Classify(wrap(e.text))
				if got := told(code, args); got != sorted(e.want) {
					t.Errorf("line %d: %.200q:\n got %s\nwant %s", e.line, e.text, got, e.want)
				}
			}
		})
	}
}

// What passes a text on does not change its meaning. A text that was cut may
// become one that nobody knows, but never one of another meaning.
func TestCorpusInEveryFrame(t *testing.T) {
	c := acme.NewClassifier()
	for name, frame := range frames {
		t.Run(name, func(t *testing.T) {
			unknown := 0
			for _, e := range corpus(t) {
				want, _, _ := strings.Cut(e.want, " ")
				if want == "?" || name == "cut" && strings.HasPrefix(e.source, "several problems") {
					continue // the frame says more than the text, or the cut takes what matters
				}
				code, args := c.Classify(frame(e.text))
				got, _, _ := strings.Cut(told(code, args), " ")
				if name == "cut" && len(e.text) > 255 && got == "?" {
					unknown++
				} else if got != want {
					t.Errorf("line %d: %.300q:\n got %s\nwant %s", e.line, frame(e.text), got, want)
				}
			}
			if unknown > 10 {
				t.Errorf("%d texts are unknown once they are cut", unknown)
			}
		})
	}
}

// The case of ten thousand failing certificates, each with a text of its own.
func BenchmarkClassify(b *testing.B) {
	c := acme.NewClassifier()
	entries := corpus(b)
	for i := range entries {
		entries[i].text += strings.Repeat("\n[13:01:02] Debug: response='{\"status\":\"pending\",\"detail\":\"\"}'", 80) // 5 KB
	}
	i := 0
	for b.Loop() {
		c.Classify(entries[i%len(entries)].text)
		i++
	}
}

func FuzzClassify(f *testing.F) {
	for _, e := range corpus(f) {
		f.Add(e.text)
	}
	c := acme.NewClassifier()
	codes := checks.Codes()
	f.Fuzz(func(t *testing.T, text string) {
		code, args := c.Classify(text)
		if code == "" {
			if len(args) > 0 {
				t.Errorf("arguments of nothing: %v", args)
			}
			return
		}
		installing := []checks.Code{checks.CertKeyMismatch, checks.CertMissing, checks.CertNotInstalled}
		if !slices.Contains(codes, code) || !strings.HasPrefix(string(code), "ca.") && !slices.Contains(installing, code) {
			t.Errorf("code %q", code)
		}
		for name, v := range args {
			s, _ := v.(string)
			if len(s) > 8<<10 || name != checks.Secret && strings.Contains(s, "jwt=") {
				t.Errorf("%s = %.300q", name, s)
			}
		}
		if again, same := c.Classify(text); again != code || !cmp.Equal(args, same) {
			t.Errorf("then %s %v, now %s %v", code, args, again, same)
		}
	})
}
