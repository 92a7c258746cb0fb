package reports

import "time"

// Missed is a problem that came and went before the message about it was sent.
type Missed struct {
	Title string    `json:"title"` // of that message
	Tone  Tone      `json:"tone,omitempty"`
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
}
