package reports

import "domovoy/checks"

// foretold reports whether a code says what will become of an account or of a
// name, and not why it fails.
func foretold(code checks.Code) bool {
	return code == checks.CABudget || code == checks.CAPausing || code == checks.CAZombie
}

// prospects tell what will become of a site if nobody does anything.
func (w Writer) prospects(s Site) []Section {
	var sections []Section
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		if foretold(f.Code) {
			sections = append(sections, Section{Text: w.explain(f)})
		}
	}
	return sections
}
