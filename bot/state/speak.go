package state

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"domovoy/bot"
	"domovoy/checks/pace"
	"domovoy/reports"
)

// Speaker tells people something from memory: nothing about it is stored. It is for
// what must be said while there is no state.
type Speaker struct {
	Receivers map[string]bot.Receiver // by their name in addresses
	Audience  bot.Audience
	Log       *slog.Logger
}

// Speak tells the chats that receive alerts, else the spare addresses, else the
// administrators in person. It returns how many were reached.
func (s Speaker) Speak(ctx context.Context, word func(bot.Chat) reports.Message) int {
	for _, chats := range s.circles() {
		if n := s.tell(ctx, chats, word); n > 0 {
			return n
		}
	}
	return 0
}

// circles are whom to tell, each if nobody of the one before was reached.
func (s Speaker) circles() [][]bot.Chat {
	var spare, own []bot.Chat
	for _, to := range s.Audience.Spare {
		spare = append(spare, bot.Chat{To: to})
	}
	for _, to := range s.Audience.OwnChats() {
		own = append(own, bot.Chat{To: to})
	}
	return [][]bot.Chat{s.Audience.Receivers(bot.Alerts), spare, own}
}

func (s Speaker) tell(ctx context.Context, chats []bot.Chat, word func(bot.Chat) reports.Message) int {
	var all sync.WaitGroup
	var reached atomic.Int64
	for _, chat := range chats {
		m := word(chat)
		all.Go(func() {
			if s.say(ctx, chat.To, m) {
				reached.Add(1)
			}
		})
	}
	all.Wait()
	return int(reached.Load())
}

// say sends one message, and reports whether it arrived.
func (s Speaker) say(ctx context.Context, to bot.Address, m reports.Message) bool {
	receiver, ok := s.Receivers[to.Messenger]
	if !ok {
		return false
	}
	bounded, cancel := context.WithTimeout(ctx, sendBound)
	defer cancel()
	for try := range sendTries {
		_, err := receiver.Send(bounded, to, "", m)
		if err == nil {
			return true
		}
		s.Log.ErrorContext(ctx, "cannot say that the state cannot be kept", "chat", to.String(), "error", err)
		if pace.Sleep(bounded, time.Duration(try+1)*time.Second) != nil {
			return false
		}
	}
	return false
}
