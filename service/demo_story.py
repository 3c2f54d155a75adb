"""The people and the tickets of the demo: invented, and told as what happened when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STAFF = (
    ("anna.krylova@reglament.example.org", "Анна Крылова", "operator"),
    ("boris.efimov@reglament.example.org", "Борис Ефимов", "operator"),
    ("vera.osipova@reglament.example.org", "Вера Осипова", "operator"),
    ("gleb.tarasov@reglament.example.org", "Глеб Тарасов", "supervisor"),
    ("darya.melnik@reglament.example.org", "Дарья Мельник", "process_owner"),
    ("egor.solovyov@reglament.example.org", "Егор Соловьёв", "administrator"),
)

# code, name, whom
TEAMS = (
    ("first-line", "Первая линия", ("anna.krylova", "boris.efimov")),
    ("second-line", "Вторая линия", ("vera.osipova",)),
)

# name, mail domain, contract, products, level, days since the start, days until the end (None: open), people
ORGANISATIONS: tuple[tuple[str, str, str, tuple[str, ...], str, int, int | None, tuple[tuple[str, ...], ...]], ...] = (
    (
        "ООО «Северный порт»", "severny-port.example.com", "СП-2026/14", ("Реестр", "Архив"), "extended", 320, 400,
        (
            ("Ольга Петровна Зайцева", "главный бухгалтер", "+7 000 100-10-01", "o.zaytseva", "ru"),
            ("Игорь Львович Тихонов", "системный администратор", "+7 000 100-10-02", "i.tikhonov", "ru"),
            ("Щукин, Пётр", "начальник отдела", "+7 000 100-10-03", "p.shchukin", "ru"),
        ),
    ),
    (
        "АО «Линза»", "linza.example.com", "Л-77", ("Реестр",), "standard", 200, None,
        (
            ("Марина Олеговна Быстрова", "руководитель проектов", "+7 000 200-20-01", "bystrova", "ru"),
            ("Роман Щеглов", "инженер", "+7 000 200-20-02", "r.shcheglov", "ru"),
        ),
    ),
    (
        "Harbour & Sons Ltd", "harbour-sons.example.com", "HS-2025-3", ("Archive",), "standard", 700, -20,
        (
            ("Emily Harbour", "operations manager", "+44 000 300-30-01", "emily", "en"),
            ("Tom Whitfield", "system engineer", "+44 000 300-30-02", "t.whitfield", "en"),
        ),
    ),
)  # fmt: skip

# Who of them has been to the cabinet, and what each sees there.
ACCOUNTS = (("i.tikhonov@severny-port.example.com", "organisation"), ("emily@harbour-sons.example.com", "own"))


@dataclass(frozen=True)
class Act:
    """One act of a ticket's story: working hours after the act before, who, what.

    `ago` (elapsed hours before now) is for what must be recent on any day of the week.
    """

    after: float
    trigger: str
    given: dict[str, Any]
    customer: bool = False
    ago: float | None = None


@dataclass(frozen=True)
class Story:
    """One ticket: received so many working hours ago, from whom (address name, or a stranger's), and what followed."""

    hours_ago: float
    sender: str
    channel: str
    subject: str
    text: str
    acts: tuple[Act, ...] = ()


def registered(priority: str, after: float = 0.7) -> Act:
    return Act(after, "register", {"priority": priority})


def started(after: float = 0.5) -> Act:
    return Act(after, "start", {})


def asked(text: str, after: float = 0.6) -> Act:
    return Act(after, "request_info", {"text": text, "minutes": 20})


def told(text: str, after: float = 3.0) -> Act:
    return Act(after, "resume", {"text": text}, customer=True)


def completed(
    text: str,
    after: float = 1.5,
    *,
    method: str = "email",
    minutes: int = 45,
    outcome: str = "solved",
    ago: float | None = None,
) -> Act:
    given = {"text": text, "delivery_method": method, "minutes": minutes, "outcome": outcome}
    return Act(after, "complete", given, ago=ago)


def confirmed(after: float = 2.0) -> Act:
    return Act(after, "confirm", {}, customer=True)


def disputed(text: str, after: float = 2.0) -> Act:
    return Act(after, "dispute", {"text": text}, customer=True)


def noted(text: str, after: float = 0.3) -> Act:
    return Act(after, "comment", {"text": text})


def answered(text: str, after: float = 0.5) -> Act:
    return Act(after, "answer", {"text": text, "delivery_method": "phone", "minutes": 15})


def wrote(text: str, ago: float) -> Act:
    return Act(0, "reply", {"text": text}, customer=True, ago=ago)


LOGS = "Пришлите, пожалуйста, журнал работы за сегодня и номер сборки из окна «О программе»."
FIXED = "Причина найдена и устранена. Проверьте, пожалуйста, работу на своей стороне."

STORIES: tuple[Story, ...] = (
    # Not registered yet
    Story(0.4, "i.tikhonov", "email", "Реестр не запускается после обновления",
          "После ночного обновления служба реестра не стартует, в журнале ошибка 0x21. Работа отдела стоит."),
    Story(1.1, "bystrova", "portal", "Как выгрузить отчёт по договорам за квартал?",
          "Подскажите, где в новой версии отчёт по договорам с разбивкой по месяцам."),
    Story(2.2, "stranger@unknown.example.net", "email", "Вопрос по лицензии",
          "Добрый день! Мы купили лицензию у партнёра, куда обращаться за поддержкой?"),
    Story(3.9, "t.whitfield", "email", "Search index is empty after migration",
          "We moved the archive to a new host and the search finds nothing. What did we miss?"),
    Story(0.9, "p.shchukin", "phone", "Медленно открываются карточки",
          "Звонил: карточки контрагентов открываются по 20–30 секунд с утра."),
    # Registered, nobody works on it yet
    Story(3.0, "o.zaytseva", "email", "Не проходит сверка остатков",
          "При сверке остатков за октябрь расхождение на одну копейку, отчёт не формируется.", (registered("P2"),)),
    Story(9.0, "r.shcheglov", "portal", "Настроить выгрузку в хранилище",
          "Нужна ежедневная выгрузка реестра в наше хранилище, формат CSV.", (registered("P4", 1.2),)),
    Story(6.0, "emily", "email", "Two users need access to the archive",
          "Please tell us how to grant read-only access to two colleagues.", (registered("P3", 1.5),)),
    Story(2.0, "i.tikhonov", "email", "Печать этикеток выходит пустой",
          "С утра этикетки печатаются пустыми, на другой машине всё в порядке.", (registered("P2", 0.5),)),
    Story(1.5, "bystrova", "email", "Зависает вход в систему у всех пользователей",
          "Никто не может войти, окно входа висит. Это срочно.", (registered("P1", 0.2),)),
    # In work
    Story(3.6, "i.tikhonov", "phone", "Сервер приложений недоступен",
          "Сервер приложений не отвечает, все рабочие места стоят.",
          (registered("P1", 0.2), started(0.1), noted("Перезапуск не помог, смотрим диск."))),
    Story(7.4, "o.zaytseva", "email", "Ошибка при проведении платёжного поручения",
          "Поручение не проводится: «нарушена ссылочная целостность».",
          (registered("P2", 0.8), started(0.6), asked(LOGS), told("Сборка 7.1.204, журнал во вложении.", 1.5))),
    Story(20.0, "r.shcheglov", "portal", "Поле «ИНН» принимает 11 цифр",
          "В карточке контрагента можно сохранить ИНН из 11 цифр.",
          (registered("P3", 2.0), started(3.0))),
    Story(14.0, "bystrova", "email", "Двоится строка в журнале операций",
          "Операции по складу записываются дважды, если нажать «Сохранить» два раза.",
          (registered("P3", 1.0), started(2.0), noted("Повторяется на стенде."))),
    Story(11.0, "t.whitfield", "email", "Thumbnails are missing for TIFF files",
          "New TIFF scans have no thumbnails in the archive list.",
          (registered("P3", 2.5), started(1.0))),
    Story(12.5, "p.shchukin", "email", "Отчёт о сроках считает субботу рабочей",
          "Суббота 1 ноября показана рабочей, хотя мы не работали.",
          (registered("P2", 1.0), started(0.5), Act(1.0, "extend", {
              "reason": "needs_development", "text": "Нужна правка календаря в модуле отчётов, готовим обновление.",
              "promised_at": "+30"}))),
    Story(30.0, "i.tikhonov", "portal", "Двухфакторный вход для администраторов",
          "Просим добавить второй фактор для учётных записей администраторов.",
          (registered("P4", 1.5), started(6.0))),
    Story(16.0, "o.zaytseva", "phone", "Не приходит уведомление о согласовании",
          "Согласующим не приходят письма с конца прошлой недели.",
          (registered("P2", 0.9), started(0.8), answered("Проверили очередь писем, перезапустили рассылку."))),
    Story(25.0, "bystrova", "email", "Неверная кодировка в экспорте CSV",
          "В Excel вместо русских букв знаки вопроса.",
          (registered("P3", 1.0), started(2.0),
           Act(1.0, "change_priority", {"priority": "P2", "reason": "Выгрузка нужна к закрытию месяца"}))),
    # Waiting for the customer
    Story(18.0, "r.shcheglov", "email", "Периодически пропадает связь с базой",
          "Раз в час приложение теряет базу на минуту.",
          (registered("P2", 0.6), started(0.4), asked("Пришлите, пожалуйста, журнал сети за час со сбоем."))),
    Story(33.0, "emily", "email", "Cannot open an old case file",
          "Case 2019-114 opens with an empty page.",
          (registered("P3", 1.4), started(2.2), asked("Which browser and version do you use? A screenshot would help."))),
    Story(27.0, "p.shchukin", "portal", "Не сходится количество документов",
          "В архиве на 3 документа меньше, чем в реестре.",
          (registered("P3", 2.0), asked("Назовите, пожалуйста, номера этих документов."))),
    Story(8.0, "i.tikhonov", "email", "Ошибка обновления на тестовом стенде",
          "На стенде обновление прерывается на 60 %.",
          (registered("P3", 0.8), started(0.8), asked(LOGS))),
    Story(45.0, "o.zaytseva", "email", "Нужна форма акта с новой подписью",
          "Изменилась подпись в акте, как обновить шаблон?",
          (registered("P4", 1.0), started(5.0), asked("Пришлите, пожалуйста, новый образец подписи."))),
    # Completed, waiting for confirmation
    Story(9.5, "bystrova", "email", "Не открывается вложение в карточке",
          "PDF из карточки не открывается, скачивание обрывается.",
          (registered("P2", 0.5), started(0.5), completed(FIXED, minutes=70, ago=2.5))),
    Story(13.0, "t.whitfield", "portal", "How to rotate the service password?",
          "We must change the service account's password every 90 days.",
          (registered("P3", 1.0), started(1.0), completed(
              "The steps are described at https://docs.example.org/rotate; no downtime is needed.", ago=16.0))),
    Story(10.0, "p.shchukin", "email", "Календарь показывает прошлый год",
          "В выборе даты по умолчанию стоит 2025 год.",
          (registered("P3", 0.7), started(0.9), completed(FIXED, ago=9.0), wrote("Спасибо, посмотрим завтра и напишем.", ago=4.0))),
    Story(12.0, "i.tikhonov", "phone", "Ошибка прав при входе новой сотрудницы",
          "Новая сотрудница входит, но разделов не видит.",
          (registered("P2", 0.3), started(0.3), completed(
              "Роль назначена, права проверены вместе с сотрудницей по телефону.", 1.0, method="phone", minutes=10),
           disputed("Раздел «Архив» всё ещё закрыт.", 2.0),
           completed("Права на архив добавлены, проверено удалённо.", method="remote_access", minutes=40, ago=6.0))),
    # Closed
    Story(60.0, "o.zaytseva", "email", "Ошибка расчёта НДС в счёте",
          "НДС считается от суммы с НДС.",
          (registered("P1", 0.3), started(0.2), completed(FIXED, 2.5, minutes=120), confirmed())),
    Story(70.0, "r.shcheglov", "email", "Вопрос по резервному копированию",
          "Какой порядок копирования вы советуете?",
          (registered("P3", 1.0), started(4.0), completed(
              "Порядок описан на странице https://docs.example.org/backup", 6.0), confirmed(5.0))),
    Story(80.0, "emily", "email", "Archive is read-only since this morning",
          "Nobody can add documents.",
          (registered("P1", 0.3), started(0.2), asked("Is the disk of the archive host full?", 0.2),
           told("Yes, it was full. We freed 40 GB.", 1.0), completed("The archive is writable again.", 0.7), confirmed())),
    Story(90.0, "bystrova", "portal", "Добавить колонку «Ответственный»",
          "В списке договоров нужна колонка с ответственным.",
          (registered("P4", 2.0), started(8.0), completed("Колонка доступна в сборке 7.1.198.", 30.0, minutes=240))),
    Story(100.0, "p.shchukin", "email", "Не печатается штрихкод",
          "Штрихкод не печатается на термопринтере.",
          (registered("P2", 0.8), started(0.5), completed(FIXED, 5.0))),
    Story(55.0, "i.tikhonov", "email", "Сбой ночного задания",
          "Ночное задание завершилось с ошибкой.",
          (registered("P2", 0.5), started(12.0), completed(FIXED, 4.0), confirmed(1.0))),
    Story(50.0, "win@lottery.example.net", "email", "Вы выиграли приз",
          "Получите приз по ссылке.", (Act(0.4, "reject", {"reason": "spam"}),)),
    Story(48.0, "o.zaytseva", "email", "Сверка остатков: повторно",
          "Пишу ещё раз про сверку остатков.",
          (Act(1.0, "reject", {"reason": "out_of_scope", "text": "Этот вопрос решается в бухгалтерии порта."}),)),
    Story(65.0, "t.whitfield", "email", "Please cancel: scanner question",
          "How do we attach a scanner?",
          (registered("P3", 1.0), Act(2.0, "withdraw", {"text": "We found the answer ourselves."}, customer=True))),
    Story(75.0, "r.shcheglov", "portal", "Не сохраняется фильтр списка",
          "После выхода фильтр сбрасывается.",
          (registered("P3", 1.5), started(3.0), completed(
              "Сохранение фильтра появится в следующем выпуске.", 6.0, outcome="needs_development"), confirmed(4.0))),
    Story(85.0, "bystrova", "phone", "Потерян пароль администратора",
          "Администратор уволился, пароль неизвестен.",
          (registered("P2", 0.2), started(0.3), completed("Доступ восстановлен удалённо.", 1.0, method="remote_access"),
           confirmed(0.5))),
    Story(95.0, "i.tikhonov", "email", "Предупреждение о сертификате",
          "Браузер предупреждает о сертификате.",
          (registered("P3", 0.5), started(1.0), asked("Какой адрес открываете?"), told("https://reestr.severny-port.example.com"),
           completed("Сертификат обновлён.", 2.0), disputed("На втором сервере осталось старое."),
           completed("Обновлён и на втором сервере.", 1.0), confirmed())),
)  # fmt: skip
