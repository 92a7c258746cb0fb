package compose

import "domovoy/reports"

// prospects tell what will become of a site if nobody does anything.
func (w Writer) prospects(s reports.Site) []reports.Section {
	var sections []reports.Section
	for _, f := range s.Server.Findings(s.Subject.Site.Name) {
		if reports.Foretold(f.Code) {
			sections = append(sections, reports.Section{Text: w.explain(f)})
		}
	}
	return sections
}
