package slack

import (
	"strings"

	"domovoy/reports"
)

// reader reads the texts of a message that is composed again and again while it is
// shortened: each of them once.
type reader struct {
	texts map[reports.Item]string
	found map[string][]reports.Span
	rows  *composer // of buttons; nil: not composed yet
}

func newReader() *reader {
	return &reader{texts: map[reports.Item]string{}, found: map[string][]reports.Span{}}
}

// text returns what itemText does.
func (r *reader) text(item reports.Item) string {
	text, known := r.texts[item]
	if !known {
		text = itemText(item)
		r.texts[item] = text
	}
	return text
}

// spans returns what reports.Spans does.
func (r *reader) spans(text string) []reports.Span {
	spans, known := r.found[text]
	if !known {
		spans = reports.Spans(text)
		r.found[text] = spans
	}
	return spans
}

// lines returns the spans of lines with line breaks between: a name never goes over
// one.
func (r *reader) lines(lines []string) []reports.Span {
	var spans []reports.Span
	var between strings.Builder
	flush := func() {
		if between.Len() > 0 {
			spans = append(spans, reports.Span{Text: between.String()})
			between.Reset()
		}
	}
	for i, line := range lines {
		if i > 0 {
			between.WriteByte('\n')
		}
		for _, s := range r.spans(line) {
			if !s.Name {
				between.WriteString(s.Text)
				continue
			}
			flush()
			spans = append(spans, s)
		}
	}
	flush()
	return spans
}
