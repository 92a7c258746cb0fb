package acme

// grams is the set of all three-byte sequences of a text, by their hashes. A
// word one of whose sequences is missing does not occur in the text: that is
// told in a few steps, where searching for hundreds of words would each time
// read the whole text.
type grams [1 << 10]uint64

// hashed is the hash of three bytes, a bit of grams.
func hashed(a, b, c byte) uint16 {
	return uint16((uint32(a) | uint32(b)<<8 | uint32(c)<<16) * 0x9e3779b1 >> 16)
}

// gramsOf returns the sequences of a text.
func gramsOf(text string) *grams {
	g := new(grams)
	for i := 2; i < len(text); i++ {
		h := hashed(text[i-2], text[i-1], text[i])
		g[h>>6] |= 1 << (h & 63)
	}
	return g
}

// saying is a word or several that a rule searches for, with their sequences.
type saying struct {
	text  string
	grams []uint16
}

func sayingOf(text string) saying {
	s := saying{text: text}
	for i := 2; i < len(text); i++ {
		s.grams = append(s.grams, hashed(text[i-2], text[i-1], text[i]))
	}
	return s
}

// mayHave reports whether the text may contain the saying; false is certain.
func (g *grams) mayHave(s *saying) bool {
	for _, h := range s.grams {
		if g[h>>6]&(1<<(h&63)) == 0 {
			return false
		}
	}
	return true
}
