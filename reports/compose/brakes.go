package compose

import (
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
)

// brakes says what follows from the panel's options: what it keeps no log of,
// and what stops it besides the CA. A panel without a configuration file says
// nothing.
func (w Writer) brakes(s reports.Server) []reports.Section {
	o := s.Snapshot.Options
	if o == nil {
		return nil
	}
	said := func(f checks.Flag, option, on, off string) string {
		switch f {
		case checks.Unset:
			return w.Say("status.options.odd", i18n.Args{"Path": o.Path, "Option": option})
		case checks.On:
			return w.Say("status.options." + on)
		}
		return w.Say("status.options." + off)
	}
	text := join(said(o.ACMELog, "EnableAcmeshDebug", "log", "nolog"), said(o.SkipAccount, "AcmeSkipAccountCheck", "uncounted", "counts"))
	if o.Denied {
		text = w.Say("status.options.denied", i18n.Args{"Path": o.Path})
	}
	return []reports.Section{{Folded: true, Text: text}}
}
