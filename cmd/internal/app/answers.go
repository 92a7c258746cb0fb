package app

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"domovoy/bot/alerts"
	"domovoy/bot/cancel"
	"domovoy/bot/commands"
	"domovoy/bot/digest"
	"domovoy/bot/task"
	"domovoy/checks"
)

// answer is a command with the types of its answers' JSON.
type answer struct {
	command string
	types   []reflect.Type
}

// answers lists the commands that answer with JSON, in the order of the manual. A
// command that starts a task answers with its result when it is done.
func answers() []answer {
	of := func(command string, data ...any) answer {
		a := answer{command: command}
		for _, d := range data {
			a.types = append(a.types, reflect.TypeOf(d))
		}
		return a
	}
	return []answer{
		of("status", commands.StatusData{}),
		of("status believe", commands.BelieveData{}),
		of("check", commands.CheckData{}),
		of("list", commands.ListData{}),
		of("why", commands.WhyData{}),
		of("limits", commands.LimitsData{}),
		of("ack", commands.ProblemData{}, commands.ProblemsData{}),
		of("hand", commands.ProblemData{}, commands.ProblemsData{}),
		of("silence", commands.SilenceData{}, commands.SilencesData{}),
		of("unsilence", commands.SilenceData{}, commands.SilencesData{}),
		of("escalate", commands.EscalateData{}),
		of("chart", commands.ChartData{}),
		of("plan", commands.PlanData{}),
		of("cancel", cancel.CancelPlanData{}, cancel.ProbeData{}),
		of("confirm", cancel.CancelResultData{}, commands.ConfirmData{}, task.StoppedData{}),
		of("stop", commands.StopData{}),
		of("sweep", commands.SweepData{}, task.StoppedData{}),
		of("delivery", commands.DeliveryData{}),
		of("delivery retry", commands.RetryData{}),
		of("delivery enable", commands.EnableData{}),
		of("audit", commands.AuditData{}),
		of("audit verify", commands.ChainData{}),
		of("selftest", commands.SelfTestData{}),
		of("share", commands.ShareData{}, commands.SharesData{}, commands.RevokedData{}),
		of("fleet", commands.FleetData{}),
		of("whoami", commands.WhoamiData{}),
		of("lang", commands.WhoamiData{}),
		of("help", commands.HelpData{}),
		of("report", digest.ReportData{}, task.StoppedData{}),
		of("domovoy sweep", commands.CheckData{}, summaryLine{}),
		of("domovoy replay", alerts.ReplayData{}),
		of("error", refusal{}),
	}
}

// summaryLine is the last line of a sweep's JSON.
type summaryLine struct {
	Summary SweepSummary `json:"summary"`
}

// refusal is the JSON of what was refused or failed.
type refusal struct {
	Error struct {
		Code string `json:"code" jsonschema:"a word that does not change"`
		Text string `json:"text" jsonschema:"for people"`
	} `json:"error"`
}

// AnswerSchema returns the JSON Schema of the answers: of each command under its name
// in $defs, "error" for what is refused. It is made from the types that are written.
// Programs have to allow for fields that come with later versions.
func AnswerSchema() ([]byte, error) {
	root := &jsonschema.Schema{
		Schema: "https://json-schema.org/draft/2020-12/schema",
		Title:  "What Domovoy answers with --format json",
		Defs:   map[string]*jsonschema.Schema{},
	}
	for _, a := range answers() {
		schema, err := a.schema()
		if err != nil {
			return nil, fmt.Errorf("the schema of %s: %w", a.command, err)
		}
		root.Defs[a.command] = schema
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// schema is that of one answer, or of any of several.
func (a answer) schema() (*jsonschema.Schema, error) {
	var all []*jsonschema.Schema
	for _, t := range a.types {
		one, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: knownTypes()})
		if err != nil {
			return nil, err
		}
		loosen(one)
		one.Properties["actions"] = actionsSchema()
		one.PropertyOrder = append(one.PropertyOrder, "actions")
		all = append(all, one)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return &jsonschema.Schema{AnyOf: all}, nil
}

// actionsSchema is that of the buttons, which any answer may have.
func actionsSchema() *jsonschema.Schema {
	text := func() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }
	return &jsonschema.Schema{
		Type:        "array",
		Description: "what to do next; a command can be given to ask as it is",
		Items: &jsonschema.Schema{Type: "object", Required: []string{"label", "command"},
			Properties: map[string]*jsonschema.Schema{"label": text(), "command": text()}},
	}
}

// knownTypes are the types that write themselves in a form of their own, or have a
// fixed set of values.
func knownTypes() map[reflect.Type]*jsonschema.Schema {
	words := func(all ...any) *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Enum: all} }
	return map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
		reflect.TypeFor[netip.Addr]():      {Type: "string", Description: "an IP address"},
		reflect.TypeFor[checks.Severity](): words(checks.Healthy.String(), checks.Info.String(), checks.Warning.String(), checks.Critical.String()),
		reflect.TypeFor[checks.Who]():      words(string(checks.Us), string(checks.Customer), string(checks.CA), string(checks.Nobody)),
		reflect.TypeFor[checks.Args]():     {Type: "object", Description: "named values, by code"},
	}
}

// loosen allows for more fields, and takes back that a list may be null: no list of
// ours is.
func loosen(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if s.Properties != nil {
		s.AdditionalProperties = nil
	}
	if slices.Equal(s.Types, []string{"null", "array"}) {
		s.Types, s.Type = nil, "array"
	}
	for _, below := range s.Properties {
		loosen(below)
	}
	loosen(s.Items)
	loosen(s.AdditionalProperties)
}
