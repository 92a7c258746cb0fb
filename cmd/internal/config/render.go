package config

import "domovoy/i18n"

// Render says the faults to a person, a line each:
// config.yaml:12:3: panels[0].database: …. Hint: ….
func (f Faults) Render(l *i18n.Locale) []string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.place() + l.Say(one.Key, i18n.Args(one.Args))
		if one.Hint != "" {
			hint := l.Say(one.Hint, i18n.Args(one.Args))
			lines[i] += " " + l.Say("config.trying", i18n.Args{"Hint": hint})
		}
	}
	return lines
}
