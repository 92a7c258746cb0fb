package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// documents are the Markdown files of the repository.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestDocumentsNameWhatIsThere checks that the files and folders which the
// documents name in code exist, by their path from the top.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	named := regexp.MustCompile("`((?:\\.ci|bot|checks|cmd|i18n|reports)/[^` ]*)`|`([a-z]+\\.example\\.yaml)`")
	for _, document := range documents(t) {
		for _, found := range named.FindAllStringSubmatch(text(t, document), -1) {
			name := found[1] + found[2]
			if strings.ContainsAny(name, "<…") || strings.Contains(name, "NAME") { // a pattern, not a name
				continue
			}
			if _, err := os.Stat(filepath.Join("../..", filepath.FromSlash(name))); err != nil {
				t.Errorf("%s names %s: %v", document, name, err)
			}
		}
	}
}

// TestLinks follows the links of the documents to files of the repository and
// to headings.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)]*)\)`)
	for _, document := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(text(t, document), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			path, heading, _ := strings.Cut(found[1], "#")
			target := document
			if path != "" {
				target = filepath.Join(filepath.Dir(document), filepath.FromSlash(path))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", document, found[1], err)
			} else if heading != "" && !anchors(text(t, target))[heading] {
				t.Errorf("%s links to %s: there is no such heading", document, found[1])
			}
		}
	}
}

// TestEditionsLinkToTheirLanguage checks that the Russian files link to Russian
// files.
func TestEditionsLinkToTheirLanguage(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*README[^)#]*)`)
	for _, document := range documents(t) {
		for _, found := range link.FindAllStringSubmatch(text(t, document), -1) {
			other := strings.TrimSuffix(filepath.Base(found[1]), ".md") != strings.TrimSuffix(filepath.Base(document), ".md")
			if strings.Contains(document, "README") && other && filepath.Dir(found[1]) != "." {
				t.Errorf("%s links to %s, which is in another language", document, found[1])
			}
		}
	}
}

// anchors are the fragments that GitHub gives to the headings of a document.
func anchors(markdown string) map[string]bool {
	found := map[string]bool{}
	fenced := false
	for line := range strings.SplitSeq(markdown, "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		title := strings.TrimLeft(line, "#")
		if fenced || title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		found[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title))] = true
	}
	return found
}
