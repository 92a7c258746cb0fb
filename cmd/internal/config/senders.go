package config

import (
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"domovoy/bot"
)

// Senders are the ways that only send, and when they are used.
type Senders struct {
	Delivery   Delivery  `key:"delivery"`
	Email      Email     `key:"email"`
	Webhooks   []Webhook `key:"webhooks"`
	Escalation []Step    `key:"escalation"`
}

// Delivery is when messages go another way than their own.
type Delivery struct {
	SpareAfter time.Duration `key:"spare_after" is:"duration" min:"10s" max:"1d" default:"5m"`
}

// Email is a mail server that takes our messages; it is off while Server is
// empty.
type Email struct {
	// Server is host:port. On port 465 TLS begins at once, on any other by
	// STARTTLS.
	Server      string   `key:"server" is:"mailserver"`
	From        string   `key:"from" is:"mailbox"`
	To          []string `key:"to" is:"mailbox"`
	Credentials Secret   `key:"credentials" is:"secret" shape:"mail"`
	CAFile      string   `key:"ca_file" is:"path"`
}

// IsOn reports whether there is a mail server.
func (e Email) IsOn() bool { return e.Server != "" }

// Login returns the user and the password; both are empty if there are none.
func (e Email) Login() (user, password string) {
	text := e.Credentials.Reveal()
	separator := ":"
	if strings.Contains(text, "\n") {
		separator = "\n"
	}
	user, password, _ = strings.Cut(text, separator)
	return strings.TrimRight(user, "\r"), password
}

// Webhook is a receiver that is a program.
type Webhook struct {
	Name   string `key:"name" is:"label" need:"true"`
	URL    Secret `key:"url" is:"secret" shape:"hook"`
	Secret Secret `key:"secret" is:"secret" shape:"hooksecret"`
	// Format is ignored if there is a TemplateFile.
	Format       string `key:"format" is:"word" enum:"domovoy goalert alertmanager zvonok" default:"domovoy"`
	TemplateFile string `key:"template_file" is:"path"`
	ContentType  string `key:"content_type" is:"mediatype"`
	Proxy        Secret `key:"proxy" is:"proxy"`
	CAFile       string `key:"ca_file" is:"path"`
}

// Secrets returns the secrets that sign, one a line; nil if there are none.
func (w Webhook) Secrets() []string {
	return strings.FieldsFunc(w.Secret.Reveal(), func(r rune) bool { return r == '\r' || r == '\n' })
}

// Step is one step of the escalation.
type Step struct {
	After time.Duration `key:"after" is:"duration" need:"true" min:"1s"`
	To    bot.Address   `key:"to" is:"target" need:"true"`
	// Language is Config.Language if the step has none.
	Language string `key:"language" is:"word" enum:"languages"`
}

// Names of the ways that only send, in addresses.
const (
	emailName   = "email"
	webhookName = "webhook"
)

// senderSecrets are the forms of the secrets that senders need.
func senderSecrets() []credential {
	return []credential{
		{shape: "mail", form: regexp.MustCompile(`^[^:\n]+(:|\n)[^\n]+$`)},
		{shape: "hook", form: regexp.MustCompile(`^https?://[^/\s]+\S*$`)},
		{shape: "enrolment", form: enrolmentForm},
		{shape: "hooksecret", form: regexp.MustCompile(`^[^\r\n]{8,}([\r\n]+[^\r\n]{8,})*$`)},
	}
}

// mailPort is the port of submission (RFC 6409, section 3.1).
const mailPort = "587"

func readMailServer(f field, v scalar) (any, *problem) {
	server, ok := hostPort(v.text, mailPort)
	if !ok {
		return nil, wrong("mailserver", f.args(v))
	}
	return server, nil
}

func readMailbox(f field, v scalar) (any, *problem) {
	address, ok := mailbox(v.text)
	if !ok {
		return nil, wrong("mailbox", f.args(v))
	}
	return address, nil
}

// mailbox returns an e-mail address with its domain in A-label form. It takes
// no display name, and no slash: that separates the topic in addresses.
func mailbox(text string) (string, bool) {
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || address.Name != "" || strings.ContainsAny(text, "/\" ") {
		return "", false
	}
	at := strings.LastIndex(text, "@")
	local, domain := text[:at], text[at+1:]
	if strings.ContainsFunc(local, func(r rune) bool { return r > '~' }) {
		return "", false // it would need SMTPUTF8 (RFC 6531) at every server on the way
	}
	if name, ok := hostName(domain); ok {
		return local + "@" + name, true
	}
	return "", false
}

// readLabel takes a name of a webhook: it is a part of addresses.
func readLabel(f field, v scalar) (any, *problem) {
	if !panelName.MatchString(v.text) || len(v.text) > 63 {
		return nil, wrong("label", f.args(v))
	}
	return v.text, nil
}

var mediaType = regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]+(; ?charset=[A-Za-z0-9-]+)?$`)

func readMediaType(f field, v scalar) (any, *problem) {
	if !mediaType.MatchString(v.text) {
		return nil, wrong("mediatype", f.args(v))
	}
	return v.text, nil
}

// readTarget takes the address of a chat, of a webhook or of a mailbox.
func readTarget(f field, v scalar) (any, *problem) {
	name, rest, _ := strings.Cut(v.text, ":")
	switch name {
	case emailName:
		address, ok := mailbox(rest)
		if !ok {
			return nil, wrong("target", f.args(v)).withHint("mailbox")
		}
		return bot.Address{Messenger: name, Chat: address}, nil
	case webhookName:
		if !panelName.MatchString(rest) {
			return nil, wrong("target", f.args(v)).withHint("label")
		}
		return bot.Address{Messenger: name, Chat: rest}, nil
	}
	if _, ok := findMessenger(name); !ok {
		return nil, wrong("target", f.args(v))
	}
	return readChat(f, v)
}

// targetPattern matches the beginning of every address that can be sent to.
func targetPattern() string {
	return strings.Replace(addressPattern(), "(", "("+emailName+"|"+webhookName+"|", 1)
}

func (r *reader) checkSenders(c *Config) {
	r.checkEmail(c.Email)
	names := map[string]string{}
	for i, w := range c.Webhooks {
		path := fmt.Sprintf("webhooks[%d]", i)
		r.unique(names, w.Name, path+".name")
		if !w.URL.IsSet() {
			r.fault(path, wrong("webhook.url", nil))
		}
		if !w.Secret.IsSet() && w.Format == "domovoy" && w.TemplateFile == "" {
			r.fault(path, wrong("webhook.unsigned", nil))
		}
		if w.ContentType != "" && w.TemplateFile == "" {
			r.fault(path+".content_type", wrong("webhook.form", nil))
		}
	}
	known := map[string]string{}
	for i, s := range c.Escalation {
		path := fmt.Sprintf("escalation[%d].to", i)
		if s.To.Messenger == "" {
			continue
		}
		r.unique(known, fmt.Sprint(s.After, " ", s.To), path)
		r.checkTarget(c, s.To, path, names)
	}
}

// checkTarget finds an address of a way that the file does not have.
func (r *reader) checkTarget(c *Config, to bot.Address, path string, webhooks map[string]string) {
	switch to.Messenger {
	case emailName:
		if !c.Email.IsOn() {
			r.fault(path, wrong("email.off", nil))
		}
	case webhookName:
		if webhooks[to.Chat] == "" {
			r.fault(path, wrong("webhook.unknown", map[string]any{"Name": to.Chat}))
		}
	default:
		r.checkReached(c, to, path)
	}
}

// checkEmail finds a mail server without a sender, and credentials that would
// be sent to no server.
func (r *reader) checkEmail(e Email) {
	switch {
	case e.IsOn() && e.From == "":
		r.fault("email", wrong("email.from", nil))
	case !e.IsOn() && !r.hasValue("email.server") && (e.From != "" || len(e.To) > 0 || e.Credentials.IsSet()):
		r.fault("email", wrong("email.server", nil))
	}
	r.distinct("email.to[%d]", e.To)
}
