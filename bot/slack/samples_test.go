package slack

import (
	"fmt"
	"testing"

	"domovoy/i18n"
	"domovoy/reports"
)

func bundle(tb testing.TB) *i18n.Bundle {
	tb.Helper()
	b, err := i18n.Load()
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// samples are messages of every shape, as reports would write them.
func samples() map[string]reports.Message {
	return map[string]reports.Message{
		"alert.ru": {
			Language: "ru", Tone: reports.ToneBad,
			Title: "isp1: выпускается сразу 127 сертификатов (порог 100)",
			Sections: []reports.Section{
				{Text: "Час назад было 14. Похоже на массовый перевыпуск: 118 из 127 начаты после 13:58."},
				{Heading: "Что делать", Text: "остановить перевыпуск; новые сайты до ~17:30 сертификат не получат."},
			},
			Actions: []reports.Action{
				{ID: "k3f9a2", Label: "Взять", Command: "ack 7"},
				{ID: "k3f9a3", Label: "Тише на 1 ч", Command: "silence 7 1h"},
				{Label: "не сохранена", Command: "list processing"},
			},
		},
		"over.en": {
			Language: "en", Tone: reports.ToneOver,
			Title:    "isp1: the mass issue is over: 2 h 41 min, peak 163",
			Sections: []reports.Section{{Text: "Taken by @oncall at 14:06. 149 issued, 14 failed."}},
		},
		"digest.ru": {
			Language: "ru",
			Title:    "Утро, 21 ноября · isp1, isp2 · 3 412 доменов",
			Sections: []reports.Section{
				{
					Heading: "С проблемами 96 (−14)",
					Text:    "новых 11, исправлено 25, старше месяца 38",
					Items: []reports.Item{
						{Text: "указывают на чужой адрес", Note: "52"},
						{Tone: reports.ToneWarning, Text: "домен свободен или скоро освободится", Note: "19"},
						{Note: "прочее: 4"},
					},
					Left: 3,
				},
			},
		},
		"hostile.en": {
			Language: "en", Tone: reports.ToneWarning,
			Title: "shop.ru <!channel> & *bold* _it_ ~no~ `x`",
			Sections: []reports.Section{{
				Text:  "the server said <@U0123456|boss>",
				Items: []reports.Item{{Text: "<http://evil.example|shop.ru>", Note: "\x1b[31mred\x00\xff"}},
				Quote: "<html>\r\n```\n&lt;!here&gt; @channel\n</html>",
			}},
			Actions: []reports.Action{{ID: "id1", Label: "Cancel 14 <all>", Command: "confirm 7f3a", Danger: true}},
		},
		"folded.ru": {
			Language: "ru", Tone: reports.ToneBad, Title: "client.ru — указывает на чужой адрес",
			Sections: []reports.Section{
				{Text: "A 198.51.100.7 (Beget), должно быть 203.0.113.10."},
				{Folded: true, Text: "Последняя ошибка, сегодня в 04:12:", Quote: "line <one>\n*line* two"},
				{Folded: true, Heading: "Панель", Items: []reports.Item{{Text: "Сертификат: client.ru_le3"}, {Tone: reports.ToneWarning, Text: "истекает", Note: "завтра"}}, Left: 2},
				{Folded: true},
			},
			Actions: []reports.Action{
				{ID: "a1", Label: "Взять", Command: "ack 7"},
				{ID: "a2", Label: "Тишина на 8 ч", Command: "silence 7 8h", Rare: true},
				{ID: "a3", Label: "Передать", Command: "hand 7", Rare: true},
				{Label: "Снять паузу", URL: "https://portal.example/unpause?jwt=x"},
				{ID: "a4", Label: "Отменить 14", Command: "confirm 7f3a", Danger: true},
			},
		},
		"empty.en": {Language: "en"},
		"long.ru":  longMessage(),
		"rows.en":  listMessage(),
	}
}

// listMessage is a list whose rows can be chosen, with more buttons than are shown at
// once.
func listMessage() reports.Message {
	m := reports.Message{Language: "en", Title: "3 sites", Sections: []reports.Section{{}}}
	for n := range 3 {
		name := fmt.Sprintf("site%d.ru", n+1)
		m.Sections[0].Items = append(m.Sections[0].Items, reports.Item{Row: n + 1, Text: name})
		m.Actions = append(m.Actions, reports.Action{ID: fmt.Sprint("r", n+1), Row: n + 1, Label: fmt.Sprint(n+1, " · ", name), Command: "check " + name})
	}
	for n := range 16 {
		m.Actions = append(m.Actions, reports.Action{ID: fmt.Sprint("b", n), Label: fmt.Sprint("Button ", n), Command: "list trouble"})
	}
	return m
}

// longMessage exceeds all limits at once.
func longMessage() reports.Message {
	m := reports.Message{Language: "ru", Title: "Список: указывают на чужой адрес"}
	for s := range 60 {
		section := reports.Section{Heading: fmt.Sprintf("client%d", s)}
		for i := range 12 {
			section.Items = append(section.Items, reports.Item{
				Text: fmt.Sprintf("сайт-%d-%d.рф (xn--%d--8kcjb2a7afr.xn--p1ai)", s, i, i),
				Note: "198.51.100.7, с 3 октября",
			})
		}
		m.Sections = append(m.Sections, section)
	}
	for a := range 40 {
		m.Actions = append(m.Actions, reports.Action{ID: fmt.Sprintf("page%d", a), Label: fmt.Sprintf("Страница %d", a+1)})
	}
	return m
}
