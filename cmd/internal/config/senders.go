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
	Delivery   Delivery  `key:"delivery" title:"What happens to messages that cannot go their own way"`
	Email      Email     `key:"email" title:"E-mail, send only: the spare way"`
	Webhooks   []Webhook `key:"webhooks" title:"Receivers that are programs, such as those that ring phones"`
	Escalation []Step    `key:"escalation" title:"Who is told of a critical alert that nobody has taken"`
}

// Delivery is when messages go another way than their own.
type Delivery struct {
	SpareAfter time.Duration `key:"spare_after" is:"duration" min:"10s" max:"1d" default:"5m" title:"How long a chat or its messenger may be out of reach until its open critical alerts go another way"`
}

// Email is a mail server that takes our messages; it is off while Server is
// empty.
type Email struct {
	// Server is host:port. On port 465 TLS begins at once, on any other by
	// STARTTLS.
	Server      string   `key:"server" is:"mailserver" title:"Mail server, host:port or host; port 465: TLS from the start, else STARTTLS"`
	From        string   `key:"from" is:"mailbox" title:"The sender"`
	To          []string `key:"to" is:"mailbox" title:"Who gets critical alerts while no messenger works"`
	Credentials Secret   `key:"credentials" is:"secret" shape:"mail" title:"User and password at the mail server, USER:PASSWORD or on two lines"`
	CAFile      string   `key:"ca_file" is:"path" title:"An extra root (PEM) for the mail server's certificate"`
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
	Name   string `key:"name" is:"label" need:"true" title:"Its name in addresses, webhook:NAME"`
	URL    Secret `key:"url" is:"secret" shape:"hook" title:"Where to POST to, https://"`
	Secret Secret `key:"secret" is:"secret" shape:"hooksecret" title:"What signs the body; while it changes, the old and the new one, one a line"`
	// Format is ignored if there is a TemplateFile.
	Format       string `key:"format" is:"word" enum:"domovoy goalert alertmanager zvonok" default:"domovoy" title:"Form of the body"`
	TemplateFile string `key:"template_file" is:"path" title:"Your own form of the body, a text/template of Go"`
	ContentType  string `key:"content_type" is:"mediatype" title:"Content-Type of your own form; default: application/json"`
	Proxy        Secret `key:"proxy" is:"proxy" title:"Proxy, http:// or socks5://"`
	CAFile       string `key:"ca_file" is:"path" title:"An extra root (PEM) for the receiver's certificate"`
}

// Secrets returns the secrets that sign, one a line; nil if there are none.
func (w Webhook) Secrets() []string {
	return strings.FieldsFunc(w.Secret.Reveal(), func(r rune) bool { return r == '\r' || r == '\n' })
}

// Step is one step of the escalation.
type Step struct {
	After time.Duration `key:"after" is:"duration" need:"true" min:"1s" title:"Time since the alert, while nobody takes it"`
	To    bot.Address   `key:"to" is:"target" need:"true" title:"telegram:-1001234567890, slack:C0123456789, webhook:NAME or email:ADDRESS"`
	// Language is Config.Language if the step has none.
	Language string `key:"language" is:"word" enum:"languages" title:"Language of this step"`
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
