package slack

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// manifest is the part of https://docs.slack.dev/reference/app-manifest on
// which the messenger depends.
type manifest struct {
	Features struct {
		AppHome struct {
			Tab      bool `yaml:"messages_tab_enabled"`
			ReadOnly bool `yaml:"messages_tab_read_only_enabled"`
		} `yaml:"app_home"`
		SlashCommands []struct {
			Command string `yaml:"command"`
		} `yaml:"slash_commands"`
	} `yaml:"features"`
	OAuth struct {
		Scopes struct {
			Bot []string `yaml:"bot"`
		} `yaml:"scopes"`
	} `yaml:"oauth_config"`
	Settings struct {
		Events struct {
			Bot []string `yaml:"bot_events"`
		} `yaml:"event_subscriptions"`
		Interactivity struct {
			Enabled bool `yaml:"is_enabled"`
		} `yaml:"interactivity"`
		SocketMode bool `yaml:"socket_mode_enabled"`
		Rotation   bool `yaml:"token_rotation_enabled"` // otherwise the tokens would expire after twelve hours
	} `yaml:"settings"`
}

func readManifest(t *testing.T) manifest {
	t.Helper()
	text, err := os.ReadFile("manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestManifestSwitches checks settings without which Slack sends nothing
// although all calls succeed.
func TestManifestSwitches(t *testing.T) {
	m := readManifest(t)
	if len(m.Features.SlashCommands) != 1 || m.Features.SlashCommands[0].Command != "/domovoy" {
		t.Errorf("slash commands: %v", m.Features.SlashCommands)
	}
	for what, ok := range map[string]bool{
		"socket mode is on":                m.Settings.SocketMode,
		"buttons work":                     m.Settings.Interactivity.Enabled,
		"people may write direct messages": m.Features.AppHome.Tab && !m.Features.AppHome.ReadOnly,
		"tokens stay valid":                !m.Settings.Rotation,
	} {
		if !ok {
			t.Errorf("not so: %s", what)
		}
	}
}

// need is what the manifest must grant for a name of the library that the code
// uses.
type need struct{ scope, also, event string }

// needs lists what each call, each kind of event and each command needs. The
// scopes are on the pages of the methods and of the events,
// https://docs.slack.dev/reference/methods and …/reference/events.
func needs() map[string]need {
	return map[string]need{
		"api.AuthTestContext":               {}, // any token may ask whose it is
		"api.StartSocketModeContext":        {}, // the app's token has connections:write
		"api.GetConversationInfoContext":    {scope: "channels:read", also: "groups:read"},
		"api.PostMessageContext":            {scope: "chat:write"},
		"api.UpdateMessageContext":          {scope: "chat:write"},
		"api.GetUploadURLExternalContext":   {scope: "files:write"},
		"api.UploadToURL":                   {}, // the URL itself is the permission
		"api.CompleteUploadExternalContext": {scope: "files:write"},
		"slackgo.SlashCommand":              {scope: "commands"},
		"slackevents.AppMentionEvent":       {scope: "app_mentions:read", event: "app_mention"},
		"slackevents.MessageEvent":          {scope: "im:history", event: "message.im"},
		// Envelopes.
		"slackevents.EventsAPIEvent":         {},
		"slackevents.EventsAPICallbackEvent": {},
	}
}

// spare is granted although no call needs it, so that an administrator need not
// be asked again when a later version opens direct messages itself.
const spare = "im:write"

// TestManifestGrantsWhatTheCodeUses fails when the code starts or stops using a
// part of Slack and the manifest was not changed.
func TestManifestGrantsWhatTheCodeUses(t *testing.T) {
	var scopes, events []string
	for _, name := range usedOfSlack(t) {
		n, known := needs()[name]
		if !known {
			t.Errorf("the code uses %s: which scope does it need?", name)
		}
		scopes, events = append(scopes, n.scope, n.also), append(events, n.event)
	}
	scopes = append(scopes, spare)
	m := readManifest(t)
	if diff := cmp.Diff(distinct(scopes), distinct(m.OAuth.Scopes.Bot)); diff != "" {
		t.Errorf("scopes (-code +manifest):\n%s", diff)
	}
	if diff := cmp.Diff(distinct(events), distinct(m.Settings.Events.Bot)); diff != "" {
		t.Errorf("events (-code +manifest):\n%s", diff)
	}
}

// distinct sorts names and drops empty ones.
func distinct(names []string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

// usedOfSlack returns the library's calls and kinds of events in the code.
func usedOfSlack(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			of := ""
			switch x := s.X.(type) {
			case *ast.Ident:
				of = x.Name
			case *ast.SelectorExpr:
				of = x.Sel.Name
			}
			if of == "api" || of == "slackevents" || of == "slackgo" && s.Sel.Name == "SlashCommand" {
				used = append(used, of+"."+s.Sel.Name)
			}
			return true
		})
	}
	return used
}
