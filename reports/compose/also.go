package compose

import (
	"slices"
	"strings"

	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// unsure reports whether a finding says only that something is not known, which
// its title does not.
func unsure(f checks.Finding) bool { return f.Args["unsure"] == true && f.Severity <= checks.Info }

// remark reports whether a finding says how the way behaves although the CA gets
// through: its title would name a fault that is none.
func remark(f checks.Finding) bool {
	return f.Severity <= checks.Info && strings.HasPrefix(string(f.Code), "web.")
}

// notes explain what the way showed beside its result, each thing once.
func notes(w Writer, s reports.Site) []string {
	var said []string
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		if text := w.explain(f); remark(f) && f.Code != s.Verdict().Code && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return said
}

// alsoFound are the titles of the findings beside the root cause, each once. Names
// follow if not the site's own name alone has the finding.
func alsoFound(w Writer, s reports.Site) []string {
	verdict, site := s.Verdict(), s.Subject.Site.Name
	var codes []checks.Code
	names := map[checks.Code][]string{}
	for _, f := range s.Server.Findings(site) {
		cause := f.Code == verdict.Code && f.Name == verdict.Finding.Name
		if cause || unsure(f) || remark(f) {
			continue
		}
		if !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
		names[f.Code] = append(names[f.Code], f.Name)
	}
	also := make([]string, len(codes))
	for i, code := range codes {
		also[i] = w.title(code)
		if of := names[code]; len(of) > 1 || of[0] != "" {
			also[i] += " (" + w.someNames(site, of) + ")"
		}
	}
	return also
}

// alsoMost is how many names that share a finding are listed.
const alsoMost = 3

// someNames shows the first of the names; the empty one is the site's own.
func (w Writer) someNames(site string, all []string) string {
	var shown []string
	for _, name := range all[:min(len(all), alsoMost)] {
		if name == "" {
			name = site
		}
		shown = append(shown, checks.Show(name))
	}
	text := strings.Join(shown, ", ")
	if more := len(all) - alsoMost; more > 0 {
		text += " " + w.Say("list.more", i18n.Args{"N": more})
	}
	return text
}
