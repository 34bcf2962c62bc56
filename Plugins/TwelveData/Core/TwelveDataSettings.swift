import PluginKit
import VendorKit

/// What the operator set.
struct TwelveDataSettings {
    /// Stands for the key; the host puts the key in its place.
    var key = ""
    /// nil = found out.
    var plan: String?
    var spareCredits = 1
    var restURL = "https://api.twelvedata.com"
    var websocketURL = "wss://ws.twelvedata.com/v1/quotes/price"

    init(_ settings: Settings, problems: inout SettingsProblems) {
        if let key = settings.text("/api_key"), !key.isEmpty {
            self.key = key
        } else {
            problems.add("/api_key", "TwelveData needs a key: get one at twelvedata.com and set api_key")
        }
        if let plan = settings.text("/plan"), !plan.isEmpty {
            if CreditBudget.plans[plan] == nil {
                problems.add("/plan", "'\(plan)' is no plan: basic, grow, pro or ultra; leave it out to find it out")
            }
            self.plan = plan
        }
        if let spare = settings.integer("/spare_credits") {
            if spare < 0 || spare > 10_000 {
                problems.add("/spare_credits", "\(spare) credits: give 0 to 10000")
            } else {
                spareCredits = Int(spare)
            }
        }
        restURL = problems.restURL(settings, otherwise: restURL)
        websocketURL = problems.websocketURL(settings, otherwise: websocketURL)
    }
}
