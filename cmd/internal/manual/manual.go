// Package manual is the manual by topics: the sections of the READMEs, as text for a
// terminal. The files are those that the repository shows, so there is one source.
package manual

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"domovoy/bot"
	"domovoy/bot/fleet"
	"domovoy/checks"
	"domovoy/cmd"
	"domovoy/reports"
)

// Topic is a section of the manual. In the file its heading follows a comment with its
// name: <!-- help: mysql -->.
type Topic struct {
	Name  string // Latin, the same in every language
	Title string // the heading, in the manual's language

	body []ast.Node
	file *file
}

// Manual is the manual in one language.
type Manual struct {
	Topics []Topic // in the order in which they are read

	// names has the topic of each anchor, "bot/README.md#rights", and of each file,
	// "bot/README.md", its first topic.
	names map[string]string
}

// file is one README.
type file struct {
	path   string // from the top of the repository
	source []byte
	manual *Manual
}

// folders are the parts of the manual, in the order in which they are read.
func folders() []struct {
	name  string
	files embed.FS
} {
	return []struct {
		name  string
		files embed.FS
	}{{"cmd", cmd.Manual}, {"bot", bot.Manual}, {"bot/fleet", fleet.Manual}, {"reports", reports.Manual}, {"checks", checks.Manual}}
}

// Load returns the manual in a language, "en" or "ru".
func Load(language string) (*Manual, error) {
	name := "README.md"
	if language != "en" {
		name = "README." + language + ".md"
	}
	m := &Manual{names: map[string]string{}}
	for _, folder := range folders() {
		source, err := folder.files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("no manual in this language: %w", err)
		}
		m.add(&file{path.Join(folder.name, name), source, m})
	}
	return m, nil
}

// Topic returns the topic of a name, and false if there is none.
func (m *Manual) Topic(name string) (Topic, bool) {
	for _, t := range m.Topics {
		if t.Name == name {
			return t, true
		}
	}
	return Topic{}, false
}

var marker = regexp.MustCompile(`^<!-- help: ([a-z-]+) -->\s*$`)

// add divides a file into topics. A topic ends at the next heading of its own level or
// of a higher one.
func (m *Manual) add(f *file) {
	document := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(f.source))
	name := "" // of the topic whose heading follows
	for node := document.FirstChild(); node != nil; node = node.NextSibling() {
		if html, ok := node.(*ast.HTMLBlock); ok {
			if found := marker.FindSubmatch(html.Lines().Value(f.source)); found != nil {
				name = string(found[1])
			}
			continue
		}
		heading, ok := node.(*ast.Heading)
		if !ok || name == "" {
			continue
		}
		topic := Topic{Name: name, Title: f.inline(heading), file: f}
		for next := node.NextSibling(); next != nil && !above(next, heading.Level); next = next.NextSibling() {
			topic.body = append(topic.body, next)
		}
		m.Topics = append(m.Topics, topic)
		m.names[f.path+"#"+anchor(topic.Title)] = name
		if m.names[f.path] == "" {
			m.names[f.path] = name
		}
		name = ""
	}
}

// above reports whether a node is a heading of this level or a higher one.
func above(node ast.Node, level int) bool {
	heading, ok := node.(*ast.Heading)
	return ok && heading.Level <= level
}

// anchor is the fragment that GitHub gives to a heading.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}
