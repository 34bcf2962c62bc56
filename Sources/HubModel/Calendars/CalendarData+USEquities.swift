// US shares: the sessions of NYSE, NYSE Arca and Nasdaq, and NYSE's closings from 2010 to 2030.
//
// Provenance: NYSE rule 7.2 (holidays, and which day stands for one on a weekend; 1 January on a Saturday has none),
// the exchange's yearly lists of early closings, and the unscheduled closings it announced (2012, 2018, 2025). After
// the years NYSE has published the dates follow from the rule; another Juneteenth or a day of mourning would be
// missing.

extension CalendarData {
    static let usEquities = """
        zone,America/New_York
        anchor,04:00
        session,pre,04:00,09:30
        session,open,09:30,16:00
        session,post,16:00,20:00
        days,mon-fri
        date,name,open,close
        2010-01-01,New Year's Day,,
        2010-01-18,Martin Luther King Jr. Day,,
        2010-02-15,Washington's Birthday,,
        2010-04-02,Good Friday,,
        2010-05-31,Memorial Day,,
        2010-07-05,Independence Day,,
        2010-09-06,Labor Day,,
        2010-11-25,Thanksgiving Day,,
        2010-11-26,After Thanksgiving,09:30,13:00
        2010-12-24,Christmas Day,,
        2011-01-17,Martin Luther King Jr. Day,,
        2011-02-21,Washington's Birthday,,
        2011-04-22,Good Friday,,
        2011-05-30,Memorial Day,,
        2011-07-04,Independence Day,,
        2011-09-05,Labor Day,,
        2011-11-24,Thanksgiving Day,,
        2011-11-25,After Thanksgiving,09:30,13:00
        2011-12-26,Christmas Day,,
        2012-01-02,New Year's Day,,
        2012-01-16,Martin Luther King Jr. Day,,
        2012-02-20,Washington's Birthday,,
        2012-04-06,Good Friday,,
        2012-05-28,Memorial Day,,
        2012-07-03,Before Independence Day,09:30,13:00
        2012-07-04,Independence Day,,
        2012-09-03,Labor Day,,
        2012-10-29,Hurricane Sandy,,
        2012-10-30,Hurricane Sandy,,
        2012-11-22,Thanksgiving Day,,
        2012-11-23,After Thanksgiving,09:30,13:00
        2012-12-24,Christmas Eve,09:30,13:00
        2012-12-25,Christmas Day,,
        2013-01-01,New Year's Day,,
        2013-01-21,Martin Luther King Jr. Day,,
        2013-02-18,Washington's Birthday,,
        2013-03-29,Good Friday,,
        2013-05-27,Memorial Day,,
        2013-07-03,Before Independence Day,09:30,13:00
        2013-07-04,Independence Day,,
        2013-09-02,Labor Day,,
        2013-11-28,Thanksgiving Day,,
        2013-11-29,After Thanksgiving,09:30,13:00
        2013-12-24,Christmas Eve,09:30,13:00
        2013-12-25,Christmas Day,,
        2014-01-01,New Year's Day,,
        2014-01-20,Martin Luther King Jr. Day,,
        2014-02-17,Washington's Birthday,,
        2014-04-18,Good Friday,,
        2014-05-26,Memorial Day,,
        2014-07-03,Before Independence Day,09:30,13:00
        2014-07-04,Independence Day,,
        2014-09-01,Labor Day,,
        2014-11-27,Thanksgiving Day,,
        2014-11-28,After Thanksgiving,09:30,13:00
        2014-12-24,Christmas Eve,09:30,13:00
        2014-12-25,Christmas Day,,
        2015-01-01,New Year's Day,,
        2015-01-19,Martin Luther King Jr. Day,,
        2015-02-16,Washington's Birthday,,
        2015-04-03,Good Friday,,
        2015-05-25,Memorial Day,,
        2015-07-03,Independence Day,,
        2015-09-07,Labor Day,,
        2015-11-26,Thanksgiving Day,,
        2015-11-27,After Thanksgiving,09:30,13:00
        2015-12-24,Christmas Eve,09:30,13:00
        2015-12-25,Christmas Day,,
        2016-01-01,New Year's Day,,
        2016-01-18,Martin Luther King Jr. Day,,
        2016-02-15,Washington's Birthday,,
        2016-03-25,Good Friday,,
        2016-05-30,Memorial Day,,
        2016-07-04,Independence Day,,
        2016-09-05,Labor Day,,
        2016-11-24,Thanksgiving Day,,
        2016-11-25,After Thanksgiving,09:30,13:00
        2016-12-26,Christmas Day,,
        2017-01-02,New Year's Day,,
        2017-01-16,Martin Luther King Jr. Day,,
        2017-02-20,Washington's Birthday,,
        2017-04-14,Good Friday,,
        2017-05-29,Memorial Day,,
        2017-07-03,Before Independence Day,09:30,13:00
        2017-07-04,Independence Day,,
        2017-09-04,Labor Day,,
        2017-11-23,Thanksgiving Day,,
        2017-11-24,After Thanksgiving,09:30,13:00
        2017-12-25,Christmas Day,,
        2018-01-01,New Year's Day,,
        2018-01-15,Martin Luther King Jr. Day,,
        2018-02-19,Washington's Birthday,,
        2018-03-30,Good Friday,,
        2018-05-28,Memorial Day,,
        2018-07-03,Before Independence Day,09:30,13:00
        2018-07-04,Independence Day,,
        2018-09-03,Labor Day,,
        2018-11-22,Thanksgiving Day,,
        2018-11-23,After Thanksgiving,09:30,13:00
        2018-12-05,Day of mourning for George H. W. Bush,,
        2018-12-24,Christmas Eve,09:30,13:00
        2018-12-25,Christmas Day,,
        2019-01-01,New Year's Day,,
        2019-01-21,Martin Luther King Jr. Day,,
        2019-02-18,Washington's Birthday,,
        2019-04-19,Good Friday,,
        2019-05-27,Memorial Day,,
        2019-07-03,Before Independence Day,09:30,13:00
        2019-07-04,Independence Day,,
        2019-09-02,Labor Day,,
        2019-11-28,Thanksgiving Day,,
        2019-11-29,After Thanksgiving,09:30,13:00
        2019-12-24,Christmas Eve,09:30,13:00
        2019-12-25,Christmas Day,,
        2020-01-01,New Year's Day,,
        2020-01-20,Martin Luther King Jr. Day,,
        2020-02-17,Washington's Birthday,,
        2020-04-10,Good Friday,,
        2020-05-25,Memorial Day,,
        2020-07-03,Independence Day,,
        2020-09-07,Labor Day,,
        2020-11-26,Thanksgiving Day,,
        2020-11-27,After Thanksgiving,09:30,13:00
        2020-12-24,Christmas Eve,09:30,13:00
        2020-12-25,Christmas Day,,
        2021-01-01,New Year's Day,,
        2021-01-18,Martin Luther King Jr. Day,,
        2021-02-15,Washington's Birthday,,
        2021-04-02,Good Friday,,
        2021-05-31,Memorial Day,,
        2021-07-05,Independence Day,,
        2021-09-06,Labor Day,,
        2021-11-25,Thanksgiving Day,,
        2021-11-26,After Thanksgiving,09:30,13:00
        2021-12-24,Christmas Day,,
        2022-01-17,Martin Luther King Jr. Day,,
        2022-02-21,Washington's Birthday,,
        2022-04-15,Good Friday,,
        2022-05-30,Memorial Day,,
        2022-06-20,Juneteenth,,
        2022-07-04,Independence Day,,
        2022-09-05,Labor Day,,
        2022-11-24,Thanksgiving Day,,
        2022-11-25,After Thanksgiving,09:30,13:00
        2022-12-26,Christmas Day,,
        2023-01-02,New Year's Day,,
        2023-01-16,Martin Luther King Jr. Day,,
        2023-02-20,Washington's Birthday,,
        2023-04-07,Good Friday,,
        2023-05-29,Memorial Day,,
        2023-06-19,Juneteenth,,
        2023-07-03,Before Independence Day,09:30,13:00
        2023-07-04,Independence Day,,
        2023-09-04,Labor Day,,
        2023-11-23,Thanksgiving Day,,
        2023-11-24,After Thanksgiving,09:30,13:00
        2023-12-25,Christmas Day,,
        2024-01-01,New Year's Day,,
        2024-01-15,Martin Luther King Jr. Day,,
        2024-02-19,Washington's Birthday,,
        2024-03-29,Good Friday,,
        2024-05-27,Memorial Day,,
        2024-06-19,Juneteenth,,
        2024-07-03,Before Independence Day,09:30,13:00
        2024-07-04,Independence Day,,
        2024-09-02,Labor Day,,
        2024-11-28,Thanksgiving Day,,
        2024-11-29,After Thanksgiving,09:30,13:00
        2024-12-24,Christmas Eve,09:30,13:00
        2024-12-25,Christmas Day,,
        2025-01-01,New Year's Day,,
        2025-01-09,Day of mourning for Jimmy Carter,,
        2025-01-20,Martin Luther King Jr. Day,,
        2025-02-17,Washington's Birthday,,
        2025-04-18,Good Friday,,
        2025-05-26,Memorial Day,,
        2025-06-19,Juneteenth,,
        2025-07-03,Before Independence Day,09:30,13:00
        2025-07-04,Independence Day,,
        2025-09-01,Labor Day,,
        2025-11-27,Thanksgiving Day,,
        2025-11-28,After Thanksgiving,09:30,13:00
        2025-12-24,Christmas Eve,09:30,13:00
        2025-12-25,Christmas Day,,
        2026-01-01,New Year's Day,,
        2026-01-19,Martin Luther King Jr. Day,,
        2026-02-16,Washington's Birthday,,
        2026-04-03,Good Friday,,
        2026-05-25,Memorial Day,,
        2026-06-19,Juneteenth,,
        2026-07-03,Independence Day,,
        2026-09-07,Labor Day,,
        2026-11-26,Thanksgiving Day,,
        2026-11-27,After Thanksgiving,09:30,13:00
        2026-12-24,Christmas Eve,09:30,13:00
        2026-12-25,Christmas Day,,
        2027-01-01,New Year's Day,,
        2027-01-18,Martin Luther King Jr. Day,,
        2027-02-15,Washington's Birthday,,
        2027-03-26,Good Friday,,
        2027-05-31,Memorial Day,,
        2027-06-18,Juneteenth,,
        2027-07-05,Independence Day,,
        2027-09-06,Labor Day,,
        2027-11-25,Thanksgiving Day,,
        2027-11-26,After Thanksgiving,09:30,13:00
        2027-12-24,Christmas Day,,
        2028-01-17,Martin Luther King Jr. Day,,
        2028-02-21,Washington's Birthday,,
        2028-04-14,Good Friday,,
        2028-05-29,Memorial Day,,
        2028-06-19,Juneteenth,,
        2028-07-03,Before Independence Day,09:30,13:00
        2028-07-04,Independence Day,,
        2028-09-04,Labor Day,,
        2028-11-23,Thanksgiving Day,,
        2028-11-24,After Thanksgiving,09:30,13:00
        2028-12-25,Christmas Day,,
        2029-01-01,New Year's Day,,
        2029-01-15,Martin Luther King Jr. Day,,
        2029-02-19,Washington's Birthday,,
        2029-03-30,Good Friday,,
        2029-05-28,Memorial Day,,
        2029-06-19,Juneteenth,,
        2029-07-03,Before Independence Day,09:30,13:00
        2029-07-04,Independence Day,,
        2029-09-03,Labor Day,,
        2029-11-22,Thanksgiving Day,,
        2029-11-23,After Thanksgiving,09:30,13:00
        2029-12-24,Christmas Eve,09:30,13:00
        2029-12-25,Christmas Day,,
        2030-01-01,New Year's Day,,
        2030-01-21,Martin Luther King Jr. Day,,
        2030-02-18,Washington's Birthday,,
        2030-04-19,Good Friday,,
        2030-05-27,Memorial Day,,
        2030-06-19,Juneteenth,,
        2030-07-03,Before Independence Day,09:30,13:00
        2030-07-04,Independence Day,,
        2030-09-02,Labor Day,,
        2030-11-28,Thanksgiving Day,,
        2030-11-29,After Thanksgiving,09:30,13:00
        2030-12-24,Christmas Eve,09:30,13:00
        2030-12-25,Christmas Day,,
        """
}
