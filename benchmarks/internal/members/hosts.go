package members

import (
	"fmt"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

// Metadata are as large as those of a small service: about 80 bytes as JSON.
type Metadata struct {
	Number  int    // of the host
	Address string // of its service
	Rack    string
	Change  int // the number of the change that wrote these, from 1; 0 for those of the join
}

// ID returns the id of a host. It is as long as those of Dragonfly usually are.
func ID(host int) string {
	return fmt.Sprintf("10.%03d.%03d.%03d-host-%08d-seed", host>>16&255, host>>8&255, host&255, host)
}

func metadata(host, change int) Metadata {
	return Metadata{
		Number: host, Change: change,
		Address: fmt.Sprintf("10.%d.%d.%d:8002", host>>16&255, host>>8&255, host&255),
		Rack:    fmt.Sprint("rack-", host%50),
	}
}

// Announcement is what a host announces at its join, or with the number of a change.
func Announcement(host, change int, interval time.Duration) hostmgr.Announcement[Metadata] {
	return hostmgr.Announcement[Metadata]{ID: ID(host), Metadata: metadata(host, change), Interval: interval}
}

// Hosts are those with the numbers From, From + Step and so on, before To. A Step of 0 is one of 1.
type Hosts struct{ From, To, Step int }

// Has reports whether a host is one of them.
func (h Hosts) Has(host int) bool {
	return host >= h.From && host < h.To && (host-h.From)%max(1, h.Step) == 0
}

// Len is how many they are.
func (h Hosts) Len() int { return (h.To - h.From + max(1, h.Step) - 1) / max(1, h.Step) }

// All yields them.
func (h Hosts) All(yield func(host int) bool) {
	for host := h.From; host < h.To && yield(host); host += max(1, h.Step) {
	}
}
