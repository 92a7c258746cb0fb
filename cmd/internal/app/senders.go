package app

import (
	"cmp"
	"fmt"
	"os"

	"domovoy/bot"
	"domovoy/bot/mail"
	"domovoy/bot/webhook"
	"domovoy/checks/cert"
	"domovoy/cmd/internal/config"
)

// senders returns the receivers that only send and that the configuration has, by
// their names in addresses.
func (a *App) senders() (map[string]bot.Receiver, error) {
	senders := map[string]bot.Receiver{}
	if e := a.cfg.Email; e.IsOn() {
		roots, err := cert.Roots(e.CAFile)
		if err != nil {
			return nil, fmt.Errorf("preparing e-mail: %w", err)
		}
		user, password := e.Login()
		sender, err := mail.New(mail.Config{Server: e.Server, From: e.From, User: user, Password: password, Roots: roots}, a.bundle)
		if err != nil {
			return nil, err
		}
		senders[mail.Messenger] = sender
	}
	var hooks []webhook.Hook
	for _, w := range a.cfg.Webhooks {
		h, err := hook(w)
		if err != nil {
			return nil, err
		}
		hooks = append(hooks, h)
	}
	if len(hooks) > 0 {
		sender, err := webhook.New(hooks, a.bundle)
		if err != nil {
			return nil, err
		}
		senders[webhook.Messenger] = sender
	}
	return senders, nil
}

// hook reads the files that a webhook of the configuration names.
func hook(w config.Webhook) (webhook.Hook, error) {
	roots, err := cert.Roots(w.CAFile)
	if err != nil {
		return webhook.Hook{}, fmt.Errorf("preparing the webhook %s: %w", w.Name, err)
	}
	form, err := formOf(w)
	if err != nil {
		return webhook.Hook{}, fmt.Errorf("preparing the webhook %s: %w", w.Name, err)
	}
	return webhook.Hook{Name: w.Name, URL: w.URL.Reveal(), Secrets: w.Secrets(), Form: form, Proxy: w.Proxy.Reveal(), Roots: roots}, nil
}

// formOf is the form of a webhook's body: its own, or a built-in one.
func formOf(w config.Webhook) (*webhook.Form, error) {
	if w.TemplateFile == "" {
		return webhook.Builtin(w.Format)
	}
	text, err := os.ReadFile(w.TemplateFile)
	if err != nil {
		return nil, err
	}
	return webhook.NewForm(w.TemplateFile, string(text), cmp.Or(w.ContentType, webhook.JSON))
}

// CheckSenders reads what the configuration names for receivers that only send, and
// tries the forms of webhooks on samples. It needs no secret and sends nothing.
func CheckSenders(cfg *config.Config) error {
	if _, err := cert.Roots(cfg.Email.CAFile); err != nil {
		return fmt.Errorf("preparing e-mail: %w", err)
	}
	for _, w := range cfg.Webhooks {
		if _, err := hook(w); err != nil {
			return err
		}
	}
	return nil
}

// WebhookSchema is the JSON Schema of what webhooks are told.
func WebhookSchema() []byte { return webhook.Schema() }
