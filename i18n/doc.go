// Package i18n says a key with arguments in a language.
//
// A language is one file beside this one. The API:
//
//	bundle, err := i18n.Load()
//	ru := bundle.Locale("ru")
//	ru.Say("alert.opened", i18n.Args{"Server": "isp1"})
//	ru.Count("certificates", 5, nil)
package i18n
