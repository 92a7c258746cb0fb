package bot

// Unclear is a failure that may be the network's, a proxy's or the messenger's
// own: there was no answer, or none that only the messenger can have given. It
// says nothing about the message, which is tried again for a long time.
type Unclear struct {
	Arrived bool // the message may have arrived nevertheless: a repetition must say so
	Err     error
}

func (e *Unclear) Error() string { return e.Err.Error() }

func (e *Unclear) Unwrap() error { return e.Err }
