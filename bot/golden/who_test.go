package golden

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	"domovoy/checks"
	"domovoy/reports"
)

// told are findings with the sites that they are about: of each text of the CA,
// with and without a look at DNS, and of each check from outside.
func told() map[string]checks.Finding {
	all := map[string]checks.Finding{}
	of := func(name string, s reports.Site) {
		all[name] = s.Cause(s.Verdict())
	}
	for name, text := range causeTexts() {
		of("ca."+name, quoting(text))
		of("ca."+name+".now", pointing(quoting(text)))
		of("ca."+name+".own", onOurServers(quoting(text)))
	}
	for code, text := range words() {
		of("words."+string(code), quoting(text))
		of("words."+string(code)+".now", pointing(quoting(text)))
	}
	for rule, name := range refusedNames() {
		of("rejected."+rule, visit(func(x *checks.Subject) { x.Site.Name, x.Site.Aliases = name, nil }))
	}
	of("rejected.alias", visit(func(x *checks.Subject) { x.Site.Aliases = []string{"www.shop.ru", "old_shop.shop.ru"} }))
	for _, seen := range []map[string]checks.Finding{seenDNS(), seenWeb(), seenCert(), seenEgress()} {
		maps.Copy(all, seen)
	}
	return all
}

// The next step is of the party that takes it: no customer is told to mend what is
// ours or the CA's, and no site is to be switched off for that.
func TestNextStepsAgreeWithWhoActs(t *testing.T) {
	bundle := load(t)
	type words struct{ customer, zone, begins, off *regexp.Regexp }
	for language, says := range map[string]words{
		"en": {regexp.MustCompile(`\bcustomer`), regexp.MustCompile(`^the operator of the zone`), regexp.MustCompile(`^the customer\b`),
			regexp.MustCompile(`\b(disable|close)s? the site|turn issuance off`)},
		"ru": {regexp.MustCompile(`клиент`), regexp.MustCompile(`^тот, кто ведёт зону`), regexp.MustCompile(`^клиент `),
			regexp.MustCompile(`сайт выключить|выключить сайт|уходит|отключить выпуск`)},
	} {
		w := writer(t, bundle, language)
		for name, f := range told() {
			step := w.Step(f)
			customer := says.customer.MatchString(step) || says.zone.MatchString(step)
			switch who := f.Who(); {
			case who == checks.Customer && !customer:
				t.Errorf("%s, %s: the customer acts, and the step is %q", language, name, step)
			case who != checks.Customer && (says.begins.MatchString(step) || says.zone.MatchString(step)):
				t.Errorf("%s, %s: %s acts, and the step is %q", language, name, who, step)
			case who != checks.Customer && says.off.MatchString(step) && !customer:
				t.Errorf("%s, %s: %s acts, and the step is %q", language, name, who, step)
			case (who == checks.CA || who == checks.Nobody) && customer:
				t.Errorf("%s, %s: %s acts, and the step is %q", language, name, who, step)
			}
			if strings.TrimSpace(step) == "" {
				t.Errorf("%s, %s: no step", language, name)
			}
		}
	}
}
