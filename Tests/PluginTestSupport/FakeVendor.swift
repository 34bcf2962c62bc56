import PluginABI
package import PluginKit

/// What a plugin asked of the network, kept by a ``FakeHost``.
package struct VendorRecord {
    package struct Opening: Equatable {
        package var connection: UInt32
        package var url: String
        package var headers: [String: String]
        package var beginsSession: Bool
        package var idleAfterMilliseconds: UInt32
        package var pingEveryMilliseconds: UInt32
    }
    package struct Sending: Equatable {
        package var connection: UInt32
        package var isText: Bool
        package var bytes: [UInt8]
        package var text: String { String(decoding: bytes, as: UTF8.self) }
    }
    package struct Request: Equatable {
        package var number: UInt64
        package var method: String
        package var url: String
        package var headers: [String: String]
        package var body: String
        package var rateClass: String
        package var cost: UInt32
        package var beginsSession: Bool
        package var captures: [String: String]
    }
    package struct Answer {
        package var records: [UInt8] = []
        package var json: String?
        package var status: Int32?
        package var reason = ""
        package var next = ""
    }

    package var openings: [Opening] = []
    package var sendings: [Sending] = []
    package var closings: [(connection: UInt32, code: UInt32)] = []
    package var requests: [Request] = []
    package var cancelled: [UInt64] = []
    package var limits: [String: Int64] = [:]
    /// Token → what it stands for, as `derive` was asked.
    package var derived: [String: (how: UInt32, parts: [String])] = [:]
    /// What `kept` answers.
    package var kept: [String: (token: String, expires: Int64)] = [:]
    package var logins: [(status: Int32, reason: String)] = []
    package var listings: [Listing] = []
    package var catalogs: [(status: Int32, reason: String)] = []
    /// What `named` answers.
    package var names: [String: String] = [:]
    package var answers: [UInt64: Answer] = [:]
    package var counters: [String: UInt64] = [:]
    package var stored: [String: [UInt8]] = [:]
    /// Timer → (at, period).
    package var timers: [UInt32: (at: Int64, period: Int64)] = [:]
}

extension FakeHost {
    /// The tables of the network and what belongs to it, by id.
    static func vendorTable(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case HUB_HOST_WEBSOCKET: UnsafeRawPointer(websocketTable)
        case HUB_HOST_HTTP: UnsafeRawPointer(httpTable)
        case HUB_HOST_SECRET: UnsafeRawPointer(secretTable)
        case HUB_HOST_CATALOG: UnsafeRawPointer(catalogTable)
        case HUB_HOST_QUERY: UnsafeRawPointer(queryTable)
        case HUB_HOST_METRIC: UnsafeRawPointer(metricTable)
        case HUB_HOST_STORE: UnsafeRawPointer(storeTable)
        case HUB_HOST_TIMER: UnsafeRawPointer(timerTable)
        default: nil
        }
    }

    private static func headers(
        _ names: UnsafePointer<hub_text>?, _ values: UnsafePointer<hub_text>?, _ count: UInt64
    ) -> [String: String] {
        Dictionary(
            (0..<Int(count)).map { (String(names![$0]), String(values![$0])) }, uniquingKeysWith: { first, _ in first })
    }

    private static func bytes(_ bytes: hub_bytes) -> [UInt8] {
        Array(UnsafeBufferPointer(start: bytes.data, count: Int(bytes.length)))
    }

    private nonisolated(unsafe) static let websocketTable = table(
        hub_host_websocket_1(
            open: { host, connection, request, _ in
                let request = request!.pointee
                of(host).vendor.openings.append(
                    .init(
                        connection: connection, url: String(request.url),
                        headers: headers(request.header_names, request.header_values, request.header_count),
                        beginsSession: request.flags & UInt32(HUB_BEGINS_SESSION) != 0,
                        idleAfterMilliseconds: request.idle_after_ms, pingEveryMilliseconds: request.ping_every_ms))
                return 0
            },
            send: { host, connection, isText, message in
                of(host).vendor.sendings.append(
                    .init(connection: connection, isText: isText != 0, bytes: bytes(message)))
                return 0
            },
            close: { host, connection, code, _ in of(host).vendor.closings.append((connection, code)) }))

    private nonisolated(unsafe) static let httpTable = table(
        hub_host_http_1(
            send: { host, number, request, _ in
                let request = request!.pointee
                of(host).vendor.requests.append(
                    .init(
                        number: number, method: String(request.method), url: String(request.url),
                        headers: headers(request.header_names, request.header_values, request.header_count),
                        body: String(decoding: bytes(request.body), as: UTF8.self),
                        rateClass: String(request.rate_class), cost: request.cost,
                        beginsSession: request.flags & UInt32(HUB_BEGINS_SESSION) != 0,
                        captures: Dictionary(
                            (0..<Int(request.capture_count)).map {
                                (String(request.captures[$0].pointer), String(request.captures[$0].name))
                            }, uniquingKeysWith: { first, _ in first })))
                return 0
            },
            cancel: { host, number in of(host).vendor.cancelled.append(number) },
            limited: { host, rateClass, until in of(host).vendor.limits[String(rateClass)] = until }))

    private nonisolated(unsafe) static let secretTable = table(
        hub_host_secret_1(
            derive: { host, how, parts, count, token in
                let host = of(host)
                let name = "HUBSECRETderived" + String(host.vendor.derived.count)
                host.vendor.derived[name] = (how, (0..<Int(count)).map { String(parts![$0]) })
                token!.pointee = host.lasting(name)
                return 0
            },
            kept: { host, name, token, expires in
                guard let kept = of(host).vendor.kept[String(name)] else { return 0 }
                token!.pointee = of(host).lasting(kept.token)
                expires!.pointee = kept.expires
                return 1
            },
            forget: { host, name in of(host).vendor.kept[String(name)] = nil },
            login_done: { host, status, reason in of(host).vendor.logins.append((status, String(reason))) }))

    private nonisolated(unsafe) static let catalogTable = table(
        hub_host_catalog_1(
            add: { host, items, count in
                for index in 0..<Int(count) {
                    let item = items![index]
                    of(host).vendor.listings.append(
                        Listing(
                            symbol: String(item.symbol), type: InstrumentType(rawValue: UInt8(item.type)) ?? .none,
                            name: String(item.name), currency: String(item.currency), isin: String(item.isin),
                            figi: String(item.figi), underlying: String(item.underlying), sector: String(item.sector),
                            tickSize: item.tick_size.isNaN ? nil : item.tick_size,
                            lotSize: item.lot_size.isNaN ? nil : item.lot_size,
                            multiplier: item.multiplier.isNaN ? nil : item.multiplier,
                            strike: item.strike.isNaN ? nil : item.strike,
                            expiry: item.expiry == 0 ? nil : item.expiry,
                            right: Listing.Right(rawValue: item.right) ?? .none,
                            identifiers: (0..<Int(item.identifier_count)).map {
                                .init(String(item.identifier_names[$0]), String(item.identifier_values[$0]))
                            }))
                }
                return 0
            },
            done: { host, status, reason in of(host).vendor.catalogs.append((status, String(reason))) },
            named: { host, symbol, name in
                guard let known = of(host).vendor.names[String(symbol)] else { return 0 }
                name!.pointee = of(host).lasting(known)
                return 1
            }))

    private nonisolated(unsafe) static let queryTable = table(
        hub_host_query_1(
            records: { host, query, records, length in
                of(host).vendor.answers[query, default: .init()].records
                    .append(contentsOf: UnsafeRawBufferPointer(start: records, count: Int(length)))
                return 0
            },
            json: { host, query, json in
                of(host).vendor.answers[query, default: .init()].json = String(json)
                return 0
            },
            done: { host, query, status, reason, _, next in
                of(host).vendor.answers[query, default: .init()].status = status
                of(host).vendor.answers[query, default: .init()].reason = String(reason)
                of(host).vendor.answers[query, default: .init()].next = String(next)
            }))

    private nonisolated(unsafe) static let metricTable = table(
        hub_host_metric_1(
            count: { host, name, by in of(host).vendor.counters[String(name), default: 0] += by },
            gauge: { _, _, _ in }))

    private nonisolated(unsafe) static let storeTable = table(
        hub_host_store_1(
            get: { host, key, value in
                guard let known = of(host).vendor.stored[String(key)] else { return 0 }
                let text = of(host).lasting(String(decoding: known, as: UTF8.self))
                value!.pointee = hub_bytes(
                    data: UnsafeRawPointer(text.data)?.assumingMemoryBound(to: UInt8.self), length: text.length)
                return 1
            },
            set: { host, key, value in
                of(host).vendor.stored[String(key)] = value.length == 0 ? nil : bytes(value)
                return 0
            }))

    private nonisolated(unsafe) static let timerTable = table(
        hub_host_timer_1(
            set: { host, timer, at, period in
                of(host).vendor.timers[timer] = (at, period)
                return 0
            },
            cancel: { host, timer in of(host).vendor.timers[timer] = nil }))
}
