package telegram

import (
	"encoding/json"
	"strings"
	"testing"

	"domovoy/reports"
)

func TestKeyboard(t *testing.T) {
	long := strings.Repeat("ы", 100)
	tests := []struct {
		name    string
		actions []reports.Action
		want    string // rows of labels
	}{
		{"none", nil, ""},
		{"not stored yet", []reports.Action{{Label: "Взять"}}, ""},
		{"short ones share a row", []reports.Action{{ID: "a", Label: "Взять"}, {ID: "b", Label: "Тише 1 ч"}, {ID: "c", Label: "Список"}}, "Взять|Тише 1 ч|Список"},
		{"four are two rows", []reports.Action{{ID: "a", Label: "1"}, {ID: "b", Label: "2"}, {ID: "c", Label: "3"}, {ID: "d", Label: "4"}}, "1|2|3/4"},
		{"middling ones in pairs", []reports.Action{{ID: "a", Label: "Quiet for 1 h"}, {ID: "b", Label: "List"}, {ID: "c", Label: "Take"}}, "Quiet for 1 h|List/Take"},
		{"a long one stands alone", []reports.Action{{ID: "a", Label: "ok"}, {ID: "b", Label: "Отменить 14 авторизаций"}}, "ok/Отменить 14 авторизаций"},
		{"a label is cut", []reports.Action{{ID: "a", Label: long}}, long[:63*2] + "…"},
		{"line breaks go, empty labels too", []reports.Action{{ID: "a", Label: "a\nb"}, {ID: "b", Label: " \n"}}, "a b"},
		{"an id too long", []reports.Action{{ID: strings.Repeat("x", 65), Label: "a"}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := labels(t, keyboard(tt.actions)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	danger := keyboard([]reports.Action{{ID: "a", Label: "Cancel", Danger: true}})
	mustContain(t, danger, `"style":"danger"`, `"callback_data":"a"`)
}

func labels(t *testing.T, markup string) string {
	t.Helper()
	if markup == "" {
		return ""
	}
	var keyboard struct {
		Rows [][]button `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(markup), &keyboard); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, row := range keyboard.Rows {
		var texts []string
		for _, b := range row {
			texts = append(texts, b.Text)
		}
		rows = append(rows, strings.Join(texts, "|"))
	}
	return strings.Join(rows, "/")
}
