// Package i18n says a key with arguments in a language.
//
// A language is one file beside this one, named after it: en.toml, ru.toml.
// To add a language, translate one of them: the configuration, the commands and
// the terminal know it by its file.
//
//	bundle, err := i18n.Load()
//	ru := bundle.Locale("ru", moscow)
//	ru.Say("severity.critical")
//	ru.Say("alert.opened", i18n.Args{"Server": "isp1", "Peak": 1500})
//	ru.Count("list.domains", 5)
//
// # Catalogs
//
// A key's words are joined by dots. Keys that belong together share a table,
// and a text with plural forms is a table of its own, with the names of CLDR:
// one and other in English; one, few, many and other in Russian.
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
// A key's last word is never one of id, description, hash, translation, zero,
// one, two, few, many, other: the format keeps them for itself.
//
// # Arguments
//
// A text names its arguments as {{.Name}}. An int or int64 comes out as Number
// does, a float64 with one digit after the mark, a time.Duration as Age, a
// time.Time with its year and clock, a []string as List; strings and all else
// go unchanged. Who knows the present moment says DateTime first and passes
// the string. An argument that the caller forgot shows as ⟨Name⟩, unless the
// text asks for it by {{if .Name}}: then it counts as empty.
//
// # Keys in code
//
// A test compares the catalogs with the code. It finds a key that stands in
// the code as a literal, and one put together from a literal that ends in a
// dot: "code." + code + ".title".
package i18n
