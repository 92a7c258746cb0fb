package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

// What registries answer, written by hand after public examples: the form is
// theirs, the names and people are not.
const (
	answerRU  = "% TCI Whois Service. Terms of use:\r\n% https://tcinet.ru/documents/whois_ru_rf.pdf (in Russian)\r\n\r\ndomain:        DOM.RU\r\nnserver:       ns1.hoster.example.\r\nnserver:       ns2.hoster.example.\r\nstate:         REGISTERED, DELEGATED, VERIFIED\r\nperson:        Private Person\r\nregistrar:     REGRU-RU\r\nadmin-contact: http://www.reg.example/whois/admin_contact\r\ncreated:       2011-12-14T10:00:00Z\r\npaid-till:     2026-12-14T10:00:00Z\r\nfree-date:     2027-01-14\r\nsource:        TCI\r\n\r\nLast updated on 2026-11-29T12:01:30Z\r\n\r\n"
	answerCOM = "   Domain Name: DOM.COM\r\n   Registry Domain ID: 1234567_DOMAIN_COM-VRSN\r\n   Registrar WHOIS Server: whois.registrar.example\r\n   Registrar URL: http://www.registrar.example\r\n   Updated Date: 2025-12-01T09:12:33Z\r\n   Creation Date: 2001-12-14T05:00:00Z\r\n   Registry Expiry Date: 2026-12-14T10:00:00Z\r\n   Registrar: Example Registrar, Inc.\r\n   Registrar IANA ID: 9999\r\n   Registrar Abuse Contact Email: abuse@registrar.example\r\n   Registrar Abuse Contact Phone: +1.5550100\r\n   Domain Status: clientTransferProhibited https://icann.org/epp#clientTransferProhibited\r\n   Name Server: NS1.HOSTER.EXAMPLE\r\n   Name Server: NS2.HOSTER.EXAMPLE\r\n   DNSSEC: unsigned\r\n   URL of the ICANN Whois Inaccuracy Complaint Form: https://www.icann.org/wicf/\r\n>>> Last update of whois database: 2026-11-29T12:01:30Z <<<\r\n\r\nFor more information on Whois status codes, please visit https://icann.org/epp\r\n\r\nNOTICE: The expiration date displayed in this record is the date the\r\nregistrar's sponsorship of the domain name registration in the registry is\r\ncurrently set to expire.\r\n"
	answerORG = "Domain Name: dom.org\r\nRegistry Domain ID: 0123456789abcdef-LROR\r\nRegistrar WHOIS Server: http://whois.registrar.example\r\nUpdated Date: 2025-12-01T09:12:33Z\r\nCreation Date: 2001-12-14T05:00:00Z\r\nRegistry Expiry Date: 2026-12-14T10:00:00Z\r\nRegistrar: Example Registrar, Inc.\r\nRegistrar IANA ID: 9999\r\nDomain Status: ok https://icann.org/epp#ok\r\nRegistrant Name: REDACTED\r\nRegistrant Email: Please query the RDDS service of the Registrar of Record\r\nName Server: ns1.hoster.example\r\nName Server: ns2.hoster.example\r\nDNSSEC: unsigned\r\nURL of the ICANN Whois Inaccuracy Complaint Form: https://icann.org/wicf/\r\n>>> Last update of WHOIS database: 2026-11-29T12:01:30Z <<<\r\n\r\nTerms of Use: Access to WHOIS information is provided to assist persons.\r\n"
	answerKZ  = "Whois Server for the KZ top level domain name.\nThis server is maintained by KazNIC Organization, a ccTLD manager for Kazakhstan Republic.\n\nDomain Name............: dom.kz\n\nOrganization Using Domain Name\nName...................: Example LLP\nCity...................: Almaty\nCountry................: KZ\n\nAdministrative Contact/Agent\nNIC Handle.............: EX1-KZ\nName...................: Example\nEmail Address..........: owner@example.kz\n\nNameserver in listed order\n\nPrimary server.........: ns1.hoster.example\nPrimary ip address.....: 192.0.2.10\n\nSecondary server.......: ns2.hoster.example\nSecondary ip address...: 192.0.2.11\n\n\nDomain created: 2010-05-21 06:34:24 (GMT+0:00)\nLast modified : 2026-03-09 17:51:21 (GMT+0:00)\nDomain status : clientTransferProhibited - \n                clientRenewProhibited - \n                \nRegistar created: KAZNIC\nCurrent Registar: EXAMPLEREG\n\n"
	answerBY  = "Domain Name: dom.by\nRegistrar: Example, Ltd\nOrg: HIDDEN! Details are available at http://www.cctld.by/whois/\nRegistration or other identification number: HIDDEN! Details are available at http://www.cctld.by/whois/\nCountry: BY\nName Server: ns1.hoster.example\nName Server: ns2.hoster.example\nUpdated Date: 2025-12-16\nCreation Date: 2003-12-14\nExpiration Date: 2026-12-14\n\n-------------------------------------------\nService provided by Belarusian Cloud Technologies LLC\n\n"
	answerUA  = "% request from 192.0.2.77\n% This is the Ukrainian Whois query server #C.\n% The Whois is subject to Terms of use\n% See https://hostmaster.ua/services/\n%\n\ndomain:           dom.ua\nlicense:          12345\nmnt-by:           ua.example\nnserver:          ns1.hoster.example\nnserver:          ns2.hoster.example\nstatus:           ok\ncreated:          2002-12-14 12:00:00+02\nmodified:         2025-12-02 11:12:47+02\nexpires:          2026-12-14 12:00:00+02\nsource:           UAEPP\n\n% Registrar:\n% ==========\nregistrar:        ua.example\norganization:     Example LLC\nurl:              http://example.ua\ncountry:          UA\nsource:           UAEPP\n\n% Registrant:\n% ===========\ncontact-id:       ex-1\nstatus:           clientHold\ncreated:          2013-03-31 19:13:45+03\nsource:           UAEPP\n\n% Query time:     5 msec\n\n"
	answerDE  = "% Restricted rights.\n%\n% Terms and Conditions of Use\n%\n% The above data may only be used within the scope of technical or\n% administrative necessities of Internet operation.\n\nDomain: dom.de\nNserver: ns1.hoster.example\nNserver: ns2.hoster.example\nStatus: connect\nChanged: 2024-03-30T19:36:27+02:00\n"
	shortDE   = "Domain: dom.de\nStatus: connect\n"
	answerEU  = "% The WHOIS service offered by EURid and the access to the records\n% in the EURid WHOIS database are provided for information purposes only.\n%\n% WHOIS dom.eu\nDomain: dom.eu\nScript: LATIN\n\nRegistrant:\n        NOT DISCLOSED!\n        Visit www.eurid.eu for the web-based WHOIS.\n\nTechnical:\n        Organisation: Example GmbH\n        Language: de\n        Email: tech@example.eu\n\nRegistrar:\n        Name: Example Registrar GmbH\n        Website: https://registrar.example\n\nName servers:\n        ns1.hoster.example\n        ns2.hoster.example (192.0.2.11)\n\nPlease visit www.eurid.eu for more info.\n"
	oldIO     = "\nDomain : dom.io\nStatus : Live\nExpiry : 2026-12-14\n\nNS 1   : ns1.hoster.example\nNS 2   : ns2.hoster.example\n\nOwner  : Example\n\n"
)

// rdapOf is an RDAP answer; end is empty where the registry does not publish it.
func rdapOf(domain, end string) string {
	events := []map[string]string{{"eventAction": "registration", "eventDate": "2001-12-14T05:00:00Z"}, {"eventAction": "last update of RDAP database", "eventDate": "2026-11-29T12:01:30Z"}}
	if end != "" {
		events = append(events, map[string]string{"eventAction": "expiration", "eventDate": end})
	}
	text, _ := json.Marshal(map[string]any{
		"objectClassName": "domain", "handle": "1234567_DOMAIN", "ldhName": strings.ToUpper(domain), "status": []string{"client transfer prohibited"}, "events": events,
		"nameservers": []map[string]string{{"objectClassName": "nameserver", "ldhName": "NS1.HOSTER.EXAMPLE"}, {"objectClassName": "nameserver", "ldhName": "ns2.hoster.example"}},
		"entities":    []any{map[string]any{"objectClassName": "entity", "roles": []string{"registrar"}, "vcardArray": []any{"vcard", []any{[]any{"version", map[string]any{}, "text", "4.0"}, []any{"fn", map[string]any{}, "text", "Example Registrar, Inc."}}}}},
	})
	return string(text)
}

// The end of a registration is right in each form of answers; where the registry
// does not publish it, it is not known.
func TestTheEndOfARegistration(t *testing.T) {
	const end = "2026-12-14T10:00:00Z"
	other := func(text, from, to string) string {
		return strings.NewReplacer(from, to, strings.ToUpper(from), strings.ToUpper(to)).Replace(text)
	}
	tests := []struct {
		domain, whois, rdap string // an empty one is not asked
		want                string // empty: the registry does not publish it
	}{
		{domain: "dom.ru", whois: answerRU, want: end},
		{domain: "xn--d1aqf.xn--p1ai", whois: other(answerRU, "dom.ru", "xn--d1aqf.xn--p1ai"), want: end},
		{domain: "dom.su", whois: other(answerRU, "dom.ru", "dom.su"), want: end},
		{domain: "dom.com", whois: answerCOM, rdap: rdapOf("dom.com", end), want: end},
		{domain: "dom.net", whois: other(answerCOM, "dom.com", "dom.net"), rdap: rdapOf("dom.net", end), want: end},
		{domain: "dom.org", whois: answerORG, rdap: rdapOf("dom.org", end), want: end},
		{domain: "dom.info", whois: other(answerORG, "dom.org", "dom.info"), rdap: rdapOf("dom.info", end), want: end},
		{domain: "dom.app", whois: other(answerORG, "dom.org", "dom.app"), rdap: rdapOf("dom.app", end), want: end},
		{domain: "dom.io", whois: other(answerORG, "dom.org", "dom.io"), rdap: rdapOf("dom.io", end), want: end},
		{domain: "dom.io", whois: oldIO, want: "2026-12-14T00:00:00Z"},
		{domain: "dom.by", whois: answerBY, want: "2026-12-14T00:00:00Z"},
		{domain: "dom.ua", whois: answerUA, rdap: rdapOf("dom.ua", "2026-12-14T12:00:00+02:00"), want: end},
		{domain: "dom.com.ua", whois: other(answerUA, "dom.ua", "dom.com.ua"), want: end},
		{domain: "dom.kz", whois: answerKZ, rdap: rdapOf("dom.kz", "")},
		{domain: "dom.kz", whois: strings.Replace(answerKZ, "Last modified", "Expiration Date: 2026-12-14 10:00:00\nLast modified", 1), want: end},
		{domain: "dom.de", whois: answerDE, rdap: rdapOf("dom.de", "")},
		{domain: "dom.de", whois: shortDE},
		{domain: "dom.eu", whois: answerEU, rdap: rdapOf("dom.eu", "")},
	}
	for _, tt := range tests {
		for how, text := range map[string]string{"whois": tt.whois, "rdap": tt.rdap} {
			if text == "" {
				continue
			}
			t.Run(tt.domain+" by "+how, func(t *testing.T) {
				address, _ := whois(t, func(string) string { return text })
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/rdap+json")
					fmt.Fprint(w, text)
				}))
				defer server.Close()
				o := Options{RDAP: server.URL}
				if how == "whois" {
					suffix, _ := checks.PublicSuffix(tt.domain)
					o.Whois = map[string]string{suffix[strings.LastIndexByte(suffix, '.')+1:]: address}
				}
				r := New(o)
				if err := r.Look(t.Context(), tt.domain); err != nil {
					t.Fatal(err)
				}
				known := r.Known(tt.domain)
				got := ""
				if ends := known.Ends(); !ends.IsZero() {
					got = ends.UTC().Format(time.RFC3339)
				}
				if got != tt.want || known.Answer.State != Delegated || known.Answer.Domain != tt.domain {
					t.Errorf("ends %q, want %q; %+v", got, tt.want, known)
				}
				standing := checks.RegistrationDated
				if tt.want == "" {
					standing = checks.RegistrationUndated
				}
				if s := known.Standing(time.Now()); s != standing {
					t.Errorf("standing %s, want %s", s, standing)
				}
				if servers := []string{"ns1.hoster.example", "ns2.hoster.example"}; text != shortDE && !slices.Equal(known.Answer.NameServers, servers) {
					t.Errorf("name servers %q", known.Answer.NameServers)
				}
			})
		}
	}
}

// A registered domain's answer that is cut before its date, a web page, and a
// refusal are no answers; what nobody has registered is free in each form.
func TestAnswersThatAreNone(t *testing.T) {
	com, other, undated := zone{dated: true}, zone{}, zone{undated: true}
	tests := []struct {
		name, domain, text string
		zone               zone
		err                error
	}{
		{"cut before the date", "dom.com", answerCOM[:strings.Index(answerCOM, "   Registry Expiry")], com, ErrUnclear},
		{"cut before the date, of a zone that is not known", "dom.org", answerORG[:strings.Index(answerORG, "Registry Expiry")], other, ErrUnclear},
		{"a web page with a record in it", "dom.ru", "<html><pre>\n" + strings.ReplaceAll(answerRU, "\nLast updated", "") + "</pre>", com, ErrUnclear},
		{"too fast, .ru", "dom.ru", "% You have exceeded allowed connection rate.\n% Please try to connect later.\n", com, ErrQuota},
		{"banned, .ru", "dom.ru", "% You are not allowed to connect.\n% See https://www.ripn.su/nic/whois/en/about_whois.html\n", com, ErrBanned},
		{"too fast, .de", "dom.de", "% Error: 55000000002 Connection refused; access control limit reached.\n\n", undated, ErrQuota},
		{"too fast, .eu", "dom.eu", "% WHOIS dom.eu\n-1: Still in grace period, wait 60 seconds\n", undated, ErrQuota},
		{"too fast, generic", "dom.org", "WHOIS LIMIT EXCEEDED - SEE WWW.PIR.ORG/WHOIS FOR DETAILS\n", other, ErrQuota},
		{"down, .com", "dom.com", "\nWhois Server Version 2.0\n*\n* Sorry, the Whois database is currently down.\n*", com, ErrUnclear},
		{"free, cut, .com", "dom.com", "No match for \"DOM.COM\".\r\n", com, ErrUnclear},
		{"another is free, .com", "dom.com", "No match for \"DOM2.COM\".\r\n>>> Last update of whois database: 2026-11-29T12:01:30Z <<<\r\n", com, ErrUnclear},
		{"free, .com", "dom.com", "No match for \"DOM.COM\".\r\n>>> Last update of whois database: 2026-11-29T12:01:30Z <<<\r\n\r\nNOTICE: ...", com, nil},
		{"free, .org", "dom.org", "Domain not found.\r\n>>> Last update of WHOIS database: 2026-11-29T12:01:30Z <<<\r\n", other, nil},
		{"free, .by", "dom.by", "Object does not exist\n", com, nil},
		{"free, .by, within a page", "dom.by", "<p>\nObject does not exist\n</p>\n", com, ErrUnclear},
		{"free, .kz", "dom.kz", "Whois Server for the KZ top level domain name.\nThis server is maintained by KazNIC Organization, a ccTLD manager for Kazakhstan Republic.\n\n*** Nothing found for this query.\n\n", undated, nil},
		{"free, .ua", "dom.ua", "% request from 192.0.2.77\n% This is the Ukrainian Whois query server #I.\n%\n\n% No entries found for dom.ua\n\n", com, nil},
		{"free, .de", "dom.de", "Domain: dom.de\nStatus: free\n", undated, nil},
		{"free, .eu", "dom.eu", "% WHOIS dom.eu\nDomain: dom.eu\nScript: LATIN\n\nStatus: AVAILABLE\n", undated, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseWhois([]byte(tt.text), tt.domain, tt.zone)
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if err == nil && got.State != Free {
				t.Errorf("%+v, want it to be free", got)
			}
		})
	}
}

// A domain that waits for its deletion has ended, whatever its date says.
func TestWaitingForDeletion(t *testing.T) {
	ua := strings.NewReplacer("status:           ok\ncreated:          2002", "status:           RedemptionPeriod\ncreated:          2002").Replace(answerUA)
	got, err := parseWhois([]byte(ua), "dom.ua", zone{dated: true})
	if err != nil || got.State != Undelegated || !got.Unpaid {
		t.Errorf("%+v, %v", got, err)
	}
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	if r := (checks.Registration{Looked: now, Answer: got}); !r.Ends().Equal(now) {
		t.Errorf("it ends %v", r.Ends())
	}
	hold := strings.Replace(answerCOM, "clientTransferProhibited https://icann.org/epp#clientTransferProhibited", "clientHold https://icann.org/epp#clientHold", 1)
	if got, err := parseWhois([]byte(hold), "dom.com", zone{dated: true}); err != nil || got.State != Undelegated || !got.Held {
		t.Errorf("on hold: %+v, %v", got, err)
	}
}

// The table that comes with the program can be read, and every zone has a limit
// that ten thousand of its domains fit in within a day, or a smaller one that its
// registry has published.
func TestTheTableOfRegistries(t *testing.T) {
	table, err := builtin()
	if err != nil {
		t.Fatal(err)
	}
	for suffix, z := range table {
		q, asked := &queue{}, 0
		for now, end := time.Now(), time.Now().Add(24*time.Hour); now.Before(end); asked++ {
			now = now.Add(q.wait(z.limit, true, now))
			q.take(z.limit, now)
		}
		if small := suffix == "ie"; asked < 10_000 != small {
			t.Errorf("%s: %d questions a day", suffix, asked)
		}
	}
	if z := table.of("com.ua"); z.whois != "whois.ua:43" {
		t.Errorf("com.ua is asked at %q", z.whois)
	}
	for _, bad := range []string{"ru whois://a:43 30/1m yes 2026-11-29", "ru a 30/1m yes 2026-11-29 x", "ru iana 0/1m yes 2026-11-29 x", "ru iana 30 yes 2026-11-29 x", "ru iana 30/1m yes today x"} {
		if _, err := readBook(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
