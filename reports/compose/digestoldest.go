package compose

import (
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// oldest names the site that is in trouble for longest; empty: none is. A name
// shames better than a total.
func (w Writer) oldest(d reports.Day) string {
	root, since, ok := d.Oldest()
	if !ok {
		return ""
	}
	return w.Locale.Say("weekly.oldest", i18n.Args{"Name": checks.Show(root.Finding.Site),
		"Date": w.Locale.Date(since, w.Now), "Cause": w.title(root.Finding.Code)})
}
