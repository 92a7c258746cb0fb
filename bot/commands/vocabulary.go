package commands

import (
	"maps"
	"strings"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
)

// vocabulary knows every word that means a command or an argument, in any of
// the languages: the catalogs list them under "words.".
type vocabulary map[string]string

// newVocabulary gathers the words. An English word is itself.
func newVocabulary(commands []bot.Command, bundle *i18n.Bundle) vocabulary {
	v := vocabulary{}
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	names = append(names, reports.Lists()...)
	names = append(names, reports.WeekLists()...)
	names = append(names, "retry", "enable", "revoke", "authz", "all", "valid", "probe", "reissue", bot.Daily, bot.Weekly, "page", "file", "owner", "cause", "server", "older", "owners", reports.CauseRest)
	names = append(names, "believe", "verify", "name", "share")
	names = append(names, reports.Charts()...)
	names = append(names, reports.ByHour, "dark", "light")
	v.add(bundle, names...)
	return v
}

// add adds English words and what means the same in the catalogs.
func (v vocabulary) add(bundle *i18n.Bundle, names ...string) {
	for _, language := range bundle.Languages() {
		l := bundle.Locale(language, nil)
		for _, name := range names {
			v[name] = name
			if key := "words." + name; l.Has(key) {
				for word := range strings.SplitSeq(l.Say(key), ",") {
					v[strings.TrimSpace(word)] = name
				}
			}
		}
	}
}

// said is one line of text as a command and its words. Known words and phrases are in
// English, others as they are; typed and typedWords have each as it was typed.
type said struct {
	name, typed       string
	words, typedWords []string
}

// parse splits what was typed.
func (v vocabulary) parse(text string) said {
	fields := strings.Fields(strings.Map(visible, text))
	if len(fields) > 0 {
		fields[0] = strings.TrimPrefix(fields[0], "/")
	}
	var words, typed []string
	for len(fields) > 0 {
		word, n := v.phrase(fields)
		words, typed = append(words, word), append(typed, strings.Join(fields[:n], " "))
		fields = fields[n:]
	}
	if len(words) == 0 {
		return said{}
	}
	return said{words[0], typed[0], words[1:], typed[1:]}
}

// longestPhrase is how many words a phrase of the catalogs has at most.
const longestPhrase = 3

// phrase is what the first words mean in English, and how many they are. A word
// may be the key of a filter: "владелец=client1".
func (v vocabulary) phrase(fields []string) (word string, n int) {
	for n := min(longestPhrase, len(fields)); n > 1; n-- {
		if known, ok := v[strings.ToLower(strings.Join(fields[:n], " "))]; ok {
			return known, n
		}
	}
	key, value, assigned := strings.Cut(fields[0], "=")
	if known, ok := v[strings.ToLower(key)]; ok {
		key = known
	}
	if known := v[strings.ToLower(value)]; known == reports.CauseRest && key == "cause" { // not "panel", which begins codes
		value = known
	}
	if assigned {
		key += "=" + value
	}
	return key, 1
}

// visible is for strings.Map: it drops characters that nobody sees, which come
// along when a text is copied from a document or a web page, and makes a plain
// hyphen of those that only look like one. Joiners stay: names in some scripts
// need them (RFC 5892, appendices A.1 and A.2).
func visible(r rune) rune {
	switch {
	case r == '\u00AD', r == '\u200B', r == '\u2060', r == '\uFEFF', // soft hyphen, no width
		r == '\u200E', r == '\u200F', '\u202A' <= r && r <= '\u202E', '\u2066' <= r && r <= '\u2069': // direction
		return -1
	case r == '\u2010', r == '\u2011', r == '\u2212': // hyphen, non-breaking hyphen, minus
		return '-'
	}
	return r
}

// quoted has a refusal quote the command, and the word that it does not understand,
// as they were typed, not as they were understood.
func (s said) quoted(refusal *bot.Refusal) *bot.Refusal {
	told := *refusal
	told.Args = maps.Clone(refusal.Args)
	if told.Args == nil {
		told.Args = i18n.Args{}
	}
	told.Args["Typed"] = bot.Short(s.typed)
	quoted, _ := refusal.Args["Word"].(string)
	for i, word := range s.words {
		if s.typedWords[i] != word && quoted == bot.Short(word) {
			told.Args["Word"] = bot.Short(s.typedWords[i])
			break
		}
	}
	return &told
}
