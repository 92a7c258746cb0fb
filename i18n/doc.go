// Package i18n returns texts by key in the languages of the catalogs, with arguments
// filled in.
//
// A language is a file in this directory that is named after it: en.toml, ru.toml.
// To add a language, translate one of them and name the new file in bundle.go: the
// configuration, the commands and the terminal take the list of languages from there.
//
//	bundle, err := i18n.Load()
//	ru := bundle.Locale("ru", moscow)
//	ru.Say("severity.critical")
//	ru.Say("alert.opened", i18n.Args{"Server": "isp1", "Peak": 1500})
//	ru.Count("list.domains", 5)
//
// # Catalogs
//
// A catalog is TOML with each text on a line of its own, in double quotes; readTOML
// says what else it may have. A key is words joined by dots. Related keys share a table. A text with plural
// forms is a table whose keys are CLDR's names of the forms: one and other in
// English; one, few, many and other in Russian.
//
//	[severity]
//	critical = "критично"
//
//	["list.domains"]
//	one = "{{.N}} домен"
//	few = "{{.N}} домена"
//	many = "{{.N}} доменов"
//	other = "{{.N}} домена"
//
// The last word of a key must not be zero, one, two, few, many or other.
//
// # Arguments
//
// A text has its arguments as {{.Name}}. An int or int64 is formatted by
// Locale.Number, a float64 with at most one decimal, a time.Duration by Age, a
// time.Time with its year and time of day, a []string by List; strings and other
// types are unchanged. A caller that wants a time relative to now passes the result
// of DateTime. A missing argument is shown as ⟨Name⟩, except where the text tests it
// by {{if .Name}} or {{with .Name}}: then it is empty.
//
// # Keys in code
//
// A test compares the catalogs with the keys in the code. It finds keys that are
// literals, and keys that begin with a literal ending in a dot:
// "code." + code + ".title".
package i18n
