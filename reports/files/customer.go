package files

import (
	_ "embed" // for the parts of the page
	"fmt"
	"html"
	"html/template"
	"io"
	"strings"
	"unicode/utf8"

	"domovoy/reports/compose"
)

//go:embed customer.html.tmpl
var customerSource string

//go:embed customer.css
var customerStyle string

// CustomerHTML writes the page for a customer: one file without a script that requests
// nothing, is in no search engine and tells nobody where its reader came from.
func CustomerHTML(out io.Writer, p compose.CustomerPage) error {
	t, err := template.New("customer").Funcs(template.FuncMap{"breaks": breaks, "prose": prose}).Parse(customerSource)
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	view := struct {
		compose.CustomerPage
		Policy string
		Style  template.HTML
	}{p, "default-src 'none'; style-src " + sourceOf(customerStyle) + "; base-uri 'none'; form-action 'none'",
		template.HTML("<style>" + customerStyle + "</style>")} // a file of this package
	if err := t.Execute(out, view); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// shortWord is how many characters of a word fit any screen.
const shortWord = 18

// prose is a text in which only names that are too long for a phone may break.
func prose(s string) template.HTML {
	words := strings.Split(s, " ")
	for i, word := range words {
		if utf8.RuneCountInString(word) > shortWord {
			words[i] = string(breaks(word))
		} else {
			words[i] = html.EscapeString(word)
		}
	}
	return template.HTML(strings.Join(words, " ")) // each word is escaped
}
