package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretNeverPrints(t *testing.T) {
	const text = "hunter2"
	s := NewSecret(text)
	holder := struct{ hidden Secret }{s}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("starting", "token", s, "all", Telegram{Token: s})
	asJSON, err := json.Marshal(Telegram{Token: s})
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(map[string]any{"token": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{
		fmt.Sprint(s), fmt.Sprintf("%q %x %d %s %v %+v %#v", s, s, s, s, s, s, s), s.String(), s.GoString(),
		fmt.Sprintf("%v %+v %#v", &s, Telegram{Token: s}, []Secret{s}), fmt.Sprintf("%+v %#v", holder, holder),
		log.String(), string(asJSON), string(asYAML), fmt.Errorf("with %v", s).Error(),
	} {
		if strings.Contains(printed, text) || strings.Contains(printed, fmt.Sprintf("%x", text)) {
			t.Errorf("the secret shows in %q", printed)
		}
	}
	if s.Reveal() != text || (Secret{}).Reveal() != "" || (Secret{}).IsSet() || !s.IsSet() {
		t.Error("a secret does not give what it was given")
	}
}

func TestWhereSecretsAreLookedFor(t *testing.T) {
	env := environment(map[string]string{"CREDENTIALS_DIRECTORY": "/run/credentials/domovoy.service"})
	none := environment(nil)
	for _, c := range []struct {
		name    string
		env     Env
		file    string
		guarded bool
	}{
		{"token", env, "/run/credentials/domovoy.service/token", true},
		{"token", none, "/etc/domovoy/token", false},
		{"../token", env, "/etc/token", false},
		{"/srv/token", env, "/srv/token", false},
		{"/run/credentials/domovoy.service/token", env, "/run/credentials/domovoy.service/token", true},
		{"/run/credentials/domovoy.service/../token", env, "/run/credentials/domovoy.service/../token", false},
	} {
		r := &reader{file: "/etc/domovoy/config.yaml", env: c.env}
		if file, guarded := r.locate(c.name); file != c.file || guarded != c.guarded {
			t.Errorf("%s is looked for in %s (guarded %t), want %s (%t)", c.name, file, guarded, c.file, c.guarded)
		}
	}
}

func TestSecretsComeTrimmed(t *testing.T) {
	cfg, faults := load("config.yaml", []byte(minimal+`
telegram: {token: "${TELEGRAM_TOKEN}", proxy: "socks5h://proxy.example:1080"}
slack: {bot_token_file: "${SECRETS}/slackbot", app_token_file: "${SECRETS}/slackapp"}
`), labEnv(t))
	if faults != nil {
		t.Fatal(faults)
	}
	for got, want := range map[string]string{
		cfg.Telegram.Token.Reveal(): "654321:BBFakeFakeFakeFake", cfg.Telegram.Proxy.Reveal(): "socks5://proxy.example:1080",
		cfg.Slack.BotToken.Reveal(): "xoxb-1-fake", cfg.Slack.AppToken.Reveal(): "xapp-1-fake",
	} {
		if got != want {
			t.Errorf("a secret came as %q, want %q", got, want)
		}
	}
}
