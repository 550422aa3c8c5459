// Package announcer is the host's side of package hostmgr. An [Announcer] announces a host to one
// or several registries, repeats what is lost, follows the advised interval, and leaves at the end.
// It knows no transport: [Config] has a function for each call.
//
// # Contacts
//
// The first announce is made at once. The next contact follows after a random part of the interval,
// and then there is one each interval. So hosts that started together are spread from then on,
// even if the registry has no hostmgr.Pacing. A host keeps this phase after failures, and after a
// pause of its process.
//
// The interval is the one that the latest hostmgr.Ack advised. An interval that no registry accepts
// (below 10 ms, or above 24 h) means the configured one. So does a new registration, until the
// registry advises another interval.
//
// After a pause of its process a host that is overdue makes a contact at once. If the machine was
// suspended, its monotonic clock stood still. The host detects that by the wall clock, within
// min(max(interval/8, 1 s), 10 s).
//
// # Attempts
//
// An attempt that fails, or has no answer yet, is followed by another one. The pauses between the
// beginnings of attempts grow from 1/64 to 1/24 of the interval. Each pause is shortened by a
// random share of up to a quarter. The host does not wait for an attempt that hangs. A timeout of
// two intervals passes one interval after a contact is due. In that interval the host makes at
// least 26 attempts:
//
//	P(no attempt of an interval arrives) <= loss^26 // 2.5e-14 with a loss of 30 %
//
// There are fewer attempts in these cases:
//   - A slow registry. Otherwise it would get each contact several times, and become slower. While
//     an attempt has no answer, the next one waits for 5/4 of the longest of the latest three
//     answer times: attempts = interval / (5/4 x answer time), rounded up, if that is less than 26.
//     There are 24 if answers take 1/29 of the interval, and 8 if they take a tenth. If attempts
//     fail at once, there are still 26. Before the first answer an attempt waits for a quarter of
//     the interval.
//   - Config.Sequential. If all attempts hang, there are 4.
//   - A pause of the process, or a call of Metadata that hangs. Attempts are lost in proportion to
//     its share of the interval.
//
// The context of an attempt ends after the longest of a quarter of the interval, 5/4 of the answer
// time, and 20 ms. At most 8 attempts are under way at a time. A late answer counts.
//
// When the timeout may have passed, the pauses grow to the interval. A registry that was down for a
// long time has all its hosts back within one interval.
//
// # Errors
//
// [Classify] says what an error means: see [Action]. A host whose incarnation is refused before it
// was registered takes a greater one, once: its clock may have gone back, and its former process
// may still be registered. The host cannot tell this from another process that runs with the same
// id. So of two processes that run at the same time, the one that joins last has the id, and the
// other one stops. A host that was registered never takes a greater incarnation.
package announcer
