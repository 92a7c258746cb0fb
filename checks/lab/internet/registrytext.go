package internet

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// whoisTerms stands above each answer of TCI's server.
const whoisTerms = "% TCI Whois Service. Terms of use:\r\n" +
	"% https://tcinet.ru/documents/whois_ru_rf.pdf (in Russian)\r\n" +
	"% https://tcinet.ru/documents/whois_su.pdf (in Russian)\r\n\r\n"

func whoisEnd(now time.Time) string {
	return "\r\nLast updated on " + now.UTC().Format("2006-01-02T15:04:05Z") + "\r\n\r\n"
}

// whoisText is the record of a name in TCI's form: a key, and its value from column 16 on.
func whoisText(reg Registration) string {
	if reg.Raw != "" {
		return reg.Raw
	}
	var b strings.Builder
	b.WriteString(whoisTerms)
	field := func(key, value string) { fmt.Fprintf(&b, "%-15s%s\r\n", key+":", value) }
	field("domain", strings.ToUpper(reg.Domain))
	for _, server := range reg.Servers {
		field("nserver", server+".")
	}
	state := "REGISTERED, NOT DELEGATED, VERIFIED"
	if reg.Delegated {
		state = "REGISTERED, DELEGATED, VERIFIED"
	}
	field("state", state)
	field("person", "Private Person")
	if strings.HasSuffix(strings.ToLower(reg.Domain), ".su") {
		field("e-mail", "owner@example.su")
	}
	field("registrar", reg.Registrar)
	field("admin-contact", "https://www.example.ru/whois")
	field("created", reg.Created.UTC().Format("2006-01-02T15:04:05Z"))
	field("paid-till", reg.PaidTill.UTC().Format("2006-01-02T15:04:05Z"))
	field("free-date", reg.FreeDate.UTC().Format(time.DateOnly))
	field("source", "TCI")
	b.WriteString(whoisEnd(time.Now()))
	return b.String()
}

// serveRDAP answers /domain/NAME (RFC 9082 section 3.1.3).
func (r *Registry) serveRDAP(w http.ResponseWriter, request *http.Request) {
	name, found := strings.CutPrefix(request.URL.Path, "/domain/")
	if !found {
		rdapError(w, http.StatusBadRequest, "this server answers about domains")
		return
	}
	reg, known, allowed, mute := r.question(name)
	switch {
	case mute:
		select {
		case <-r.life.done:
		case <-request.Context().Done():
		}
	case !allowed:
		w.Header().Set("Retry-After", "60")
		rdapError(w, http.StatusTooManyRequests, "too many questions")
	case !known:
		rdapError(w, http.StatusNotFound, "no such domain")
	case reg.Raw != "":
		w.Header().Set("Content-Type", "application/rdap+json")
		_, _ = w.Write([]byte(reg.Raw))
	default:
		rdapJSON(w, http.StatusOK, rdapDomain(reg))
	}
}

// rdapError writes an error (RFC 9083 section 6).
func rdapError(w http.ResponseWriter, status int, title string) {
	rdapJSON(w, status, map[string]any{"rdapConformance": []string{"rdap_level_0"}, "errorCode": status, "title": title})
}

func rdapJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/rdap+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the asker may be gone
}

// rdapDomain is a domain object (RFC 9083 section 5.3).
func rdapDomain(reg Registration) map[string]any {
	statuses := reg.Statuses
	if len(statuses) == 0 {
		statuses = []string{"inactive"}
		if reg.Delegated {
			statuses = []string{"active"}
		}
	}
	servers := []any{}
	for _, s := range reg.Servers {
		servers = append(servers, map[string]any{"objectClassName": "nameserver", "ldhName": s})
	}
	events := []any{}
	for _, e := range []struct {
		action string
		at     time.Time
	}{{"registration", reg.Created}, {"expiration", reg.PaidTill}, {"deletion", reg.FreeDate}} {
		if !e.at.IsZero() {
			events = append(events, map[string]any{"eventAction": e.action, "eventDate": e.at.UTC().Format(time.RFC3339)})
		}
	}
	return map[string]any{
		"rdapConformance": []string{"rdap_level_0"}, "objectClassName": "domain", "ldhName": strings.ToLower(reg.Domain),
		"status": statuses, "events": events, "nameservers": servers, "secureDNS": map[string]any{"delegationSigned": false},
		"entities": []any{map[string]any{"objectClassName": "entity", "handle": reg.Registrar, "roles": []string{"registrar"},
			"vcardArray": []any{"vcard", []any{[]any{"version", map[string]any{}, "text", "4.0"}, []any{"fn", map[string]any{}, "text", reg.Registrar}}}}},
	}
}
