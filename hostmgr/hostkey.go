package hostmgr

import "github.com/hostlife/hostlife/hostmgr/internal/index"

// A hostKey identifies a registration, in maps with data of few hosts. The registration number
// alone is not enough: Restore may be given a number twice.
type hostKey struct {
	hash         index.Hash
	registration uint64
}

func keyOf(e index.Entry) hostKey { return hostKey{e.Hash(), e.Registration()} }
