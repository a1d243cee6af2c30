// SPDX-License-Identifier: Apache-2.0
/*
 * The gate: what may leave this host with a virtual address as its source, and when.
 *
 *   the right to speak   nothing leaves, ARP included, unless the guard's fence is open and the worker's lease
 *                        deadline (CLOCK_BOOTTIME) lies ahead;
 *   no early ack         a TCP ack beyond the flow's committed position is held (a pure ack) or lowered (a segment
 *                        with data); its header is kept so that the node can send the ack once it is committed;
 *   a silent death       FIN and RST of a guarded flow leave only when the node has said so.
 *
 * Towards the host, acks of guarded flows are capped at what this host has sent: after a takeover a peer may
 * acknowledge bytes that the dead node sent, and TCP would drop such a segment whole, data included.
 *
 * Who writes what: `virtual`, `flows`, `node_words`, `control` and `fence` are written by the node alone;
 * `flow_states` and `stats` by these programs alone, save that the node zeroes a slot's state before it publishes the
 * slot in `flows`. `loose` holds what has no slot: connections not yet accepted (embryos) and those being closed.
 *
 * layout.py mirrors the structures and the order of the statistics.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* TC_ACT_UNSPEC goes on to the interface's next filter: the gate forbids, it never overrules. */
#define PASS TC_ACT_UNSPEC
#define DROP TC_ACT_SHOT

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

#define ACK_AT 8 /* offsets in the TCP header (RFC 9293, 3.1) */
#define FLAGS_AT 13
#define CHECKSUM_AT 16
#define HEADER_MIN 20
#define HEADER_MAX 60
#define FRAGMENT_OFFSET 0x1fff

enum { ALLOW_FIN = 1, ALLOW_RESET = 2 };
enum { EMBRYO = 1, CLOSING = 2 };
enum { PEER_UNKNOWN, PEER_SEEN, PEER_SURE };

enum stat {
	ARP_SILENCED,
	IP_SILENCED,
	MALFORMED_DROPPED,
	FIN_DROPPED,
	RESET_DROPPED,
	ACK_HELD,
	ACK_LOWERED,
	UNKNOWN_DROPPED,
	UNKNOWN_RESET_DROPPED,
	UNKNOWN_RESET_PASSED,
	EMBRYOS,
	EMBRYO_REFUSED,
	INGRESS_CAPPED,
	STATS,
};

struct address { /* IPv6, or IPv4 mapped into it (RFC 4291, 2.5.5.2) */
	__u32 word[4];
};

struct flow_key {
	struct address local;
	struct address remote;
	__be16 local_port;
	__be16 remote_port;
};

struct node_word {
	__u32 commit; /* the highest ack number that may leave */
	__u32 allowed;
};

struct flow_state {
	__u32 our_isn;
	__u32 peer_isn;
	__u32 snd_end; /* one past the highest sequence number that ever left */
	__u32 held_begin; /* held_begin and held_end count the segments held or lowered: */
	__u32 held_end; /* they differ while `held_ack` and `header` are being rewritten */
	__u32 held_ack;
	__u32 header_length;
	__u32 peer_ack; /* the highest ack that arrived; beyond snd_end: of what another node sent */
	__u64 packets_in;
	__u64 bytes_in;
	__u64 packets_out;
	__u64 bytes_out;
	__u8 header[HEADER_MAX + 4]; /* the TCP header of the last segment held or lowered */
};

struct loose_flow {
	__u32 kind;
	__u32 peer; /* how well an embryo's peer_isn is known */
	struct flow_state state;
};

struct control {
	__u64 lease_deadline_ns;
	__u64 reset_after_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct address);
	__type(value, __u8);
} virtual SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set by the loader, as are those of node_words, flow_states and loose */
	__type(key, struct flow_key);
	__type(value, __u32);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct flow_key);
	__type(value, struct loose_flow);
} loose SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct node_word);
} node_words SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_state);
} flow_states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} fence SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STATS);
	__type(key, __u32);
	__type(value, __u64);
} stats SEC(".maps");

struct segment {
	struct flow_key key;
	__u32 tcp_at; /* where the TCP header begins in the frame */
	__u32 header_length;
	__u32 payload;
	__u32 seq;
	__u32 ack;
	__u8 flags;
};

static __always_inline void count(enum stat which)
{
	__u32 index = which;
	__u64 *value = bpf_map_lookup_elem(&stats, &index);

	if (value)
		__sync_fetch_and_add(value, 1);
}

static __always_inline int drop(enum stat why)
{
	count(why);
	return DROP;
}

static __always_inline int after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline void map_v4(struct address *to, __be32 from)
{
	to->word[0] = 0;
	to->word[1] = 0;
	to->word[2] = bpf_htonl(0xffff);
	to->word[3] = from;
}

static __always_inline int is_virtual(const struct address *address)
{
	return bpf_map_lookup_elem(&virtual, address) != 0;
}

static __always_inline int may_speak(void)
{
	__u32 only = 0;
	struct control *c = bpf_map_lookup_elem(&control, &only);
	__u64 *open = bpf_map_lookup_elem(&fence, &only);

	return c && open && *open && bpf_ktime_get_boot_ns() <= c->lease_deadline_ns;
}

static __always_inline int resets_allowed(void)
{
	__u32 only = 0;
	struct control *c = bpf_map_lookup_elem(&control, &only);

	return c && c->reset_after_ns && bpf_ktime_get_boot_ns() >= c->reset_after_ns;
}

/* Reads the TCP header behind `ip` into `s`, all but its key; 0 when it is whole and consistent. */
static __always_inline int parse_tcp(struct __sk_buff *skb, const struct iphdr *ip, struct segment *s,
				     struct tcphdr *tcp)
{
	__u32 ip_length = ip->ihl * 4;
	/* 0 stands for an aggregate that is longer than the field can tell */
	__u32 length = ip->tot_len ? bpf_ntohs(ip->tot_len) : skb->len - ETH_HLEN;

	s->tcp_at = ETH_HLEN + ip_length;
	if (ip_length < sizeof(*ip) || ip->frag_off & bpf_htons(FRAGMENT_OFFSET))
		return -1;
	if (bpf_skb_load_bytes(skb, s->tcp_at, tcp, sizeof(*tcp)))
		return -1;
	s->header_length = tcp->doff * 4;
	if (s->header_length < HEADER_MIN || length < ip_length + s->header_length)
		return -1;
	s->payload = length - ip_length - s->header_length;
	s->seq = bpf_ntohl(tcp->seq);
	s->ack = bpf_ntohl(tcp->ack_seq);
	s->flags = ((__u8 *)tcp)[FLAGS_AT];
	return 0;
}

static __always_inline int write_ack(struct __sk_buff *skb, const struct segment *s, __u32 ack)
{
	__be32 old = bpf_htonl(s->ack), new = bpf_htonl(ack);

	if (bpf_l4_csum_replace(skb, s->tcp_at + CHECKSUM_AT, old, new, sizeof(new)))
		return -1;
	return bpf_skb_store_bytes(skb, s->tcp_at + ACK_AT, &new, sizeof(new), 0);
}

static __always_inline __u32 packets(const struct __sk_buff *skb)
{
	return skb->gso_segs > 1 ? skb->gso_segs : 1;
}

/* Keeps what the node needs to send this ack later. Egress of one flow is serialised by its socket's lock. */
static __always_inline void remember(struct __sk_buff *skb, const struct segment *s, struct flow_state *state)
{
	__u32 length = s->header_length;

	__sync_fetch_and_add(&state->held_begin, 1);
	state->held_ack = s->ack;
	if (length >= HEADER_MIN && length <= HEADER_MAX) {
		bpf_skb_load_bytes(skb, s->tcp_at, state->header, length);
		state->header_length = length;
	}
	__sync_fetch_and_add(&state->held_end, 1);
}

/* A segment of a flow whose acks are guarded, leaving. */
static __always_inline int guard(struct __sk_buff *skb, const struct segment *s, struct flow_state *state,
				 const volatile __u32 *commit, __u32 allowed)
{
	__u32 end = s->seq + s->payload + !!(s->flags & FIN);
	__u32 limit;

	if (s->flags & RST && !(allowed & ALLOW_RESET))
		return drop(RESET_DROPPED);
	if (s->flags & FIN && !(allowed & ALLOW_FIN))
		return drop(FIN_DROPPED);
	if (after(end, state->snd_end))
		state->snd_end = end;
	if (s->flags & ACK && after(s->ack, *commit)) {
		remember(skb, s, state);
		/* The node may have raised `commit` while it saw nothing held: look again, now that it can see. */
		limit = *commit;
		if (after(s->ack, limit)) {
			if (!s->payload && !(s->flags & (FIN | RST)))
				return drop(ACK_HELD);
			if (write_ack(skb, s, limit))
				return drop(MALFORMED_DROPPED);
			count(ACK_LOWERED);
		}
	}
	__sync_fetch_and_add(&state->packets_out, packets(skb));
	__sync_fetch_and_add(&state->bytes_out, s->payload);
	return PASS;
}

/* A SYN or SYN-ACK leaves: from now on the flow is guarded, even before anyone has accepted it. */
static __always_inline int open_embryo(const struct segment *s)
{
	struct loose_flow *known = bpf_map_lookup_elem(&loose, &s->key);
	struct loose_flow embryo = {.kind = EMBRYO};

	if (known && known->kind == EMBRYO && known->state.our_isn == s->seq)
		return PASS; /* sent again: keep what was learnt */
	embryo.state.our_isn = s->seq;
	embryo.state.snd_end = s->seq + 1 + s->payload;
	if (s->flags & ACK) {
		embryo.peer = PEER_SURE;
		embryo.state.peer_isn = s->ack - 1;
	}
	if (bpf_map_update_elem(&loose, &s->key, &embryo, BPF_ANY))
		return drop(EMBRYO_REFUSED);
	count(EMBRYOS);
	return PASS;
}

static __always_inline int leave_loose(struct __sk_buff *skb, const struct segment *s, struct loose_flow *flow)
{
	__u32 base;

	if (flow->kind == CLOSING)
		return PASS;
	if (s->flags & ACK && flow->peer != PEER_SURE) {
		if (flow->peer == PEER_UNKNOWN)
			flow->state.peer_isn = s->ack - 1;
		flow->peer = PEER_SURE;
	}
	base = flow->state.peer_isn + 1;
	return guard(skb, s, &flow->state, &base, 0);
}

static __always_inline int leave_unknown(const struct segment *s)
{
	if (!(s->flags & RST))
		return drop(UNKNOWN_DROPPED);
	if (!resets_allowed())
		return drop(UNKNOWN_RESET_DROPPED);
	count(UNKNOWN_RESET_PASSED);
	return PASS;
}

static __always_inline int leave_tcp(struct __sk_buff *skb, const struct segment *s)
{
	struct loose_flow *loose_flow;
	struct flow_state *state;
	struct node_word *word;
	__u32 *slot;

	if (s->flags & SYN)
		return open_embryo(s);
	slot = bpf_map_lookup_elem(&flows, &s->key);
	if (slot) {
		word = bpf_map_lookup_elem(&node_words, slot);
		state = bpf_map_lookup_elem(&flow_states, slot);
		if (!word || !state)
			return drop(UNKNOWN_DROPPED);
		return guard(skb, s, state, &word->commit, word->allowed);
	}
	loose_flow = bpf_map_lookup_elem(&loose, &s->key);
	return loose_flow ? leave_loose(skb, s, loose_flow) : leave_unknown(s);
}

static __always_inline int leave_arp(struct __sk_buff *skb)
{
	struct address sender;
	__be32 spa;

	/* RFC 826: hardware type, protocol type, two lengths, operation, sender's hardware address, then its IP */
	if (bpf_skb_load_bytes(skb, ETH_HLEN + 8 + ETH_ALEN, &spa, sizeof(spa)))
		return PASS;
	map_v4(&sender, spa);
	return is_virtual(&sender) && !may_speak() ? drop(ARP_SILENCED) : PASS;
}

SEC("tc")
int gate_egress(struct __sk_buff *skb)
{
	struct segment s = {};
	struct tcphdr tcp;
	struct iphdr ip;

	if (skb->protocol == bpf_htons(ETH_P_ARP))
		return leave_arp(skb);
	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return PASS;
	map_v4(&s.key.local, ip.saddr);
	if (!is_virtual(&s.key.local))
		return PASS;
	if (!may_speak())
		return drop(IP_SILENCED);
	if (ip.protocol != IPPROTO_TCP)
		return PASS;
	if (parse_tcp(skb, &ip, &s, &tcp))
		return drop(MALFORMED_DROPPED);
	map_v4(&s.key.remote, ip.daddr);
	s.key.local_port = tcp.source;
	s.key.remote_port = tcp.dest;
	return leave_tcp(skb, &s);
}

static __always_inline void count_in(struct __sk_buff *skb, const struct segment *s, struct flow_state *state)
{
	__sync_fetch_and_add(&state->packets_in, packets(skb));
	__sync_fetch_and_add(&state->bytes_in, s->payload);
}

/* The peer's SYN-ACK tells its initial number. A damaged one is sent again, so the last before our ack counts. */
static __always_inline void arrive_loose(struct __sk_buff *skb, const struct segment *s, struct loose_flow *flow)
{
	if (flow->kind != EMBRYO)
		return;
	count_in(skb, s, &flow->state);
	if ((s->flags & (SYN | ACK)) != (SYN | ACK) || flow->peer == PEER_SURE)
		return;
	if (s->ack != flow->state.our_isn + 1)
		return;
	flow->state.peer_isn = s->seq;
	flow->peer = PEER_SEEN;
}

static __always_inline int arrive_tcp(struct __sk_buff *skb, const struct segment *s)
{
	struct loose_flow *loose_flow;
	struct flow_state *state;
	__u32 *slot = bpf_map_lookup_elem(&flows, &s->key);

	if (!slot) {
		loose_flow = bpf_map_lookup_elem(&loose, &s->key);
		if (loose_flow)
			arrive_loose(skb, s, loose_flow);
		return PASS;
	}
	state = bpf_map_lookup_elem(&flow_states, slot);
	if (!state)
		return PASS;
	count_in(skb, s, state);
	if (s->flags & (SYN | RST) || !(s->flags & ACK) || !after(s->ack, state->snd_end))
		return PASS;
	if (!after(state->peer_ack, state->snd_end) || after(s->ack, state->peer_ack))
		state->peer_ack = s->ack;
	count(INGRESS_CAPPED);
	return write_ack(skb, s, state->snd_end) ? drop(MALFORMED_DROPPED) : PASS;
}

SEC("tc")
int gate_ingress(struct __sk_buff *skb)
{
	struct segment s = {};
	struct tcphdr tcp;
	struct iphdr ip;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return PASS;
	if (ip.protocol != IPPROTO_TCP)
		return PASS;
	map_v4(&s.key.local, ip.daddr);
	if (!is_virtual(&s.key.local) || parse_tcp(skb, &ip, &s, &tcp))
		return PASS;
	map_v4(&s.key.remote, ip.saddr);
	s.key.local_port = tcp.dest;
	s.key.remote_port = tcp.source;
	return arrive_tcp(skb, &s);
}

/* The Apache licence is enough: no helper used here asks for the GPL. */
char _license[] SEC("license") = "Apache-2.0";
